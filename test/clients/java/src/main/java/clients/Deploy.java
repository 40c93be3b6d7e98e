package clients;

import static clients.Site.check;
import static clients.Site.contains;
import static clients.Site.file;
import static clients.Site.profile;
import static clients.Site.same;
import static clients.Site.step;
import static clients.Site.until;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

import org.hyperledger.fabric.gateway.Identities;
import org.hyperledger.fabric.gateway.Wallets;
import org.hyperledger.fabric.gateway.X509Identity;
import org.hyperledger.fabric.protos.common.Common;
import org.hyperledger.fabric.protos.common.Configtx;
import org.hyperledger.fabric.sdk.ChaincodeEndorsementPolicy;
import org.hyperledger.fabric.sdk.ChaincodeID;
import org.hyperledger.fabric.sdk.Channel;
import org.hyperledger.fabric.sdk.ChannelConfiguration;
import org.hyperledger.fabric.sdk.Enrollment;
import org.hyperledger.fabric.sdk.HFClient;
import org.hyperledger.fabric.sdk.InstallProposalRequest;
import org.hyperledger.fabric.sdk.InstantiateProposalRequest;
import org.hyperledger.fabric.sdk.NetworkConfig;
import org.hyperledger.fabric.sdk.Orderer;
import org.hyperledger.fabric.sdk.Peer;
import org.hyperledger.fabric.sdk.ProposalResponse;
import org.hyperledger.fabric.sdk.TransactionRequest;
import org.hyperledger.fabric.sdk.UpdateChannelConfiguration;
import org.hyperledger.fabric.sdk.UpgradeProposalRequest;
import org.hyperledger.fabric.sdk.User;
import org.hyperledger.fabric.sdk.identity.X509Enrollment;
import org.hyperledger.fabric.sdk.security.CryptoSuite;

/** The lifecycle of 1.4 and the work on channels by fabric-sdk-java, which packages the chaincode itself. */
public final class Deploy {
    private final NetworkConfig config;
    private final Admin admin1;
    private final Admin admin2;

    private Deploy() throws Exception {
        config = NetworkConfig.fromJsonFile(profile("org1").toFile());
        admin1 = new Admin("org1-admin");
        admin2 = new Admin("org2-admin");
    }

    public static void main(final String[] args) {
        Site.program(() -> {
            Deploy d = new Deploy();
            step("install", () -> {
                d.install("1.0");
                d.install("2.0");
            });
            step("instantiate, upgrade", d::instantiateAndUpgrade);
            step("create a channel, join it, update it", d::channels);
        });
    }

    private HFClient client(final User user) throws Exception {
        HFClient client = HFClient.createNewInstance();
        client.setCryptoSuite(CryptoSuite.Factory.getCryptoSuite());
        client.setUserContext(user);
        return client;
    }

    private Peer peer(final HFClient client, final String name) throws Exception {
        return client.newPeer(name, config.getPeerUrl(name), config.getPeerProperties(name));
    }

    private void install(final String version) throws Exception {
        for (Admin admin : List.of(admin1, admin2)) {
            HFClient client = client(admin);
            Peer peer = peer(client, admin == admin1 ? Site.PEER1 : Site.PEER2);
            InstallProposalRequest request = client.newInstallProposalRequest();
            request.setChaincodeID(ChaincodeID.newBuilder().setName("asset").setVersion(version).setPath("example.com/asset").build());
            request.setChaincodeLanguage(TransactionRequest.Type.GO_LANG);
            request.setChaincodeSourceLocation(file("gopath").toFile());
            succeeded(client.sendInstallProposal(request, Set.of(peer)));
            check(client.queryInstalledChaincodes(peer).stream().anyMatch(c -> c.getName().equals("asset") && c.getVersion().equals(version)), "not installed");
            ProposalResponse again = client.sendInstallProposal(request, Set.of(peer)).iterator().next();
            contains(again.getMessage(), "chaincodes/asset." + version + " exists");
        }
    }

    private void instantiateAndUpgrade() throws Exception {
        HFClient client = client(admin1);
        Channel channel = client.loadChannelFromConfig(Site.CHANNEL, config);
        channel.initialize();
        Path policy = file("both.yaml");
        Files.writeString(policy, "identities:\n  one: {role: {name: peer, mspId: Org1MSP}}\n  two: {role: {name: peer, mspId: Org2MSP}}\n"
                + "policy:\n  2-of:\n    - signed-by: one\n    - signed-by: two\n");

        InstantiateProposalRequest instantiate = client.newInstantiationProposalRequest();
        instantiate.setChaincodeName("asset");
        instantiate.setChaincodeVersion("1.0");
        instantiate.setFcn("init");
        instantiate.setArgs("rug", "Anna", "120");
        instantiate.setProposalWaitTime(TimeUnit.MINUTES.toMillis(2));
        instantiate.setChaincodeEndorsementPolicy(ChaincodeEndorsementPolicy.fromYamlFile(policy));
        commit(channel, channel.sendInstantiationProposal(instantiate, channel.getPeersForOrganization("Org1MSP")));

        UpgradeProposalRequest upgrade = client.newUpgradeProposalRequest();
        upgrade.setChaincodeName("asset");
        upgrade.setChaincodeVersion("2.0");
        upgrade.setFcn("init");
        upgrade.setArgs(new ArrayList<>());
        upgrade.setProposalWaitTime(TimeUnit.MINUTES.toMillis(2));
        upgrade.setChaincodeEndorsementPolicy(ChaincodeEndorsementPolicy.fromYamlFile(policy));
        commit(channel, channel.sendUpgradeProposal(upgrade, channel.getPeersForOrganization("Org1MSP")));

        for (Peer peer : channel.getPeers()) {
            until("the upgrade", () -> channel.queryInstantiatedChaincodes(peer, peer.getName().equals(Site.PEER1) ? admin1 : admin2).stream()
                    .anyMatch(c -> c.getName().equals("asset") && c.getVersion().equals("2.0")));
        }
        channel.shutdown(true);
    }

    private static void succeeded(final Collection<ProposalResponse> responses) {
        for (ProposalResponse response : responses) {
            same(ProposalResponse.Status.SUCCESS, response.getStatus());
        }
    }

    private static void commit(final Channel channel, final Collection<ProposalResponse> responses) throws Exception {
        for (ProposalResponse response : responses) {
            check(response.getStatus() == ProposalResponse.Status.SUCCESS, response.getMessage());
        }
        check(channel.sendTransaction(responses).get(1, TimeUnit.MINUTES).isValid(), "the transaction is not valid");
    }

    private void channels() throws Exception {
        HFClient client = client(admin1);
        Channel first = client.loadChannelFromConfig(Site.CHANNEL, config);
        Orderer orderer = client.newOrderer(Site.ORDERER, first.getOrderers().iterator().next().getUrl(), config.getOrdererProperties(Site.ORDERER));
        ChannelConfiguration create = new ChannelConfiguration(file("channel", "second.tx").toFile());
        Channel channel = client.newChannel("second", orderer, create,
                client.getChannelConfigurationSignature(create, admin1), client.getChannelConfigurationSignature(create, admin2));
        channel.joinPeer(peer(client, Site.PEER1));
        same(Set.of(Site.CHANNEL, "second"), client.queryChannels(peer(client, Site.PEER1)));
        client.setUserContext(admin2);
        channel.joinPeer(peer(client, Site.PEER2));
        client.setUserContext(admin1);
        channel.initialize();

        Common.Envelope envelope = Common.Envelope.parseFrom(Files.readAllBytes(file("channel", "anchors.tx")));
        Configtx.ConfigUpdateEnvelope wrapped = Configtx.ConfigUpdateEnvelope.parseFrom(Common.Payload.parseFrom(envelope.getPayload()).getData());
        UpdateChannelConfiguration update = new UpdateChannelConfiguration(wrapped.getConfigUpdate().toByteArray());
        channel.updateChannelConfiguration(update, channel.getUpdateChannelConfigurationSignature(update, admin1));
        until("the update", () -> channel.queryBlockchainInfo(channel.getPeers().iterator().next(), admin1).getHeight() == 2);
        channel.shutdown(true);
    }

    /** An administrator from the network's wallet. */
    private static final class Admin implements User {
        private final String name;
        private final X509Identity identity;

        Admin(final String name) throws Exception {
            this.name = name;
            identity = (X509Identity) Wallets.newFileSystemWallet(file("wallet")).get(name);
        }

        @Override public String getName() {
            return name;
        }

        @Override public Set<String> getRoles() {
            return Set.of();
        }

        @Override public String getAccount() {
            return "";
        }

        @Override public String getAffiliation() {
            return "";
        }

        @Override public Enrollment getEnrollment() {
            return new X509Enrollment(identity.getPrivateKey(), Identities.toPemString(identity.getCertificate()));
        }

        @Override public String getMspId() {
            return identity.getMspId();
        }
    }
}
