package clients;

import static clients.Site.check;
import static clients.Site.contains;
import static clients.Site.control;
import static clients.Site.fails;
import static clients.Site.gateway;
import static clients.Site.same;
import static clients.Site.step;
import static clients.Site.text;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import org.hyperledger.fabric.gateway.Contract;
import org.hyperledger.fabric.gateway.ContractException;
import org.hyperledger.fabric.gateway.DefaultCommitHandlers;
import org.hyperledger.fabric.gateway.DefaultQueryHandlers;
import org.hyperledger.fabric.gateway.Gateway;
import org.hyperledger.fabric.gateway.Network;
import org.hyperledger.fabric.gateway.Transaction;

/** Transactions by fabric-gateway-java: submit, evaluate, transient data, all handlers for commits and queries, and what fails. */
public final class Transactions {
    private final Network network;
    private final Contract asset;

    private Transactions(final Gateway gateway) {
        network = gateway.getNetwork(Site.CHANNEL);
        asset = network.getContract("asset");
    }

    public static void main(final String[] args) {
        Site.program(() -> {
            try (Gateway gateway = gateway("org1-user1").connect()) {
                all(new Transactions(gateway));
            }
            step("with the profile in YAML", Transactions::yaml);
            step("the orderer is away", Transactions::away);
        });
    }

    private static void all(final Transactions t) throws Exception {
        step("submit and evaluate", t::submitAndEvaluate);
        step("transient data", t::transientData);
        for (DefaultCommitHandlers handler : DefaultCommitHandlers.values()) {
            step("commit handler " + handler, () -> t.commitHandler(handler));
        }
        for (DefaultQueryHandlers handler : DefaultQueryHandlers.values()) {
            step("query handler " + handler, () -> queryHandler(handler));
        }
        step("many change one asset", t::conflicts);
        step("failures", t::failures);
    }

    private void submitAndEvaluate() throws Exception {
        asset.submitTransaction("put", "java", "Anna", "120");
        same("{\"id\":\"java\",\"owner\":\"Anna\",\"value\":120}", text(asset.evaluateTransaction("get", "java")));
        same("Org1MSP User1@org1.example.com", text(asset.evaluateTransaction("whoami")));
    }

    private void transientData() throws Exception {
        asset.submitTransaction("put", "chest", "Anna", "1");
        asset.createTransaction("seal").setTransient(secret("sesame")).submit("chest");
        same("true", text(asset.createTransaction("check").setTransient(secret("sesame")).evaluate("chest")));
        same("false", text(asset.createTransaction("check").setTransient(secret("mustard")).evaluate("chest")));
    }

    private static Map<String, byte[]> secret(final String word) {
        return Map.of("secret", word.getBytes(StandardCharsets.UTF_8));
    }

    private void commitHandler(final DefaultCommitHandlers handler) throws Exception {
        for (int value = 1; value <= 3; value++) {
            String id = handler + "-" + value;
            asset.createTransaction("put").setCommitHandler(handler).submit(id, "Anna", String.valueOf(value));
            if (handler == DefaultCommitHandlers.NETWORK_SCOPE_ALLFORTX) {
                try (Gateway other = gateway("org2-user1").connect()) {
                    contains(text(new Transactions(other).asset.evaluateTransaction("get", id)), "\"value\":" + value);
                }
            } else if (handler != DefaultCommitHandlers.NONE && handler != DefaultCommitHandlers.NETWORK_SCOPE_ANYFORTX) {
                contains(text(asset.evaluateTransaction("get", id)), "\"value\":" + value);
            }
        }
    }

    private static void queryHandler(final DefaultQueryHandlers handler) throws Exception {
        try (Gateway gateway = gateway("org2-user1").queryHandler(handler).connect()) {
            for (int i = 0; i < 3; i++) {
                same("Org2MSP User1@org2.example.com", text(new Transactions(gateway).asset.evaluateTransaction("whoami")));
            }
        }
    }

    /** Of those that change an asset at once, peers with different states endorse some differently; of the others, one is valid at a time. */
    private void conflicts() throws Exception {
        asset.submitTransaction("put", "ball", "Anna", "0");
        List<CompletableFuture<Boolean>> ends = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            String value = String.valueOf(i);
            ends.add(CompletableFuture.supplyAsync(() -> {
                try {
                    asset.submitTransaction("put", "ball", "Anna", value);
                    return true;
                } catch (ContractException e) {
                    return false;
                } catch (TimeoutException | InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            }));
        }
        int valid = 0;
        for (CompletableFuture<Boolean> end : ends) {
            valid += end.get(60, TimeUnit.SECONDS) ? 1 : 0;
        }
        check(valid > 0 && valid < ends.size(), valid + " were valid");
    }

    private void failures() throws Exception {
        contains(fails(ContractException.class, () -> asset.submitTransaction("transfer", "nothing", "Anna")).getMessage(), "asset nothing does not exist");
        contains(fails(ContractException.class, () -> asset.evaluateTransaction("nonsense")).getMessage(), "unknown function: nonsense");
        contains(fails(ContractException.class, () -> network.getContract("nothing").evaluateTransaction("get")).getMessage(),
                "make sure the chaincode nothing has been successfully instantiated and try again: chaincode nothing not found");
        Transaction alone = asset.createTransaction("put").setEndorsingPeers(network.getChannel().getPeersForOrganization("Org1MSP"));
        contains(fails(ContractException.class, () -> alone.submit("lonely", "Anna", "1")).getMessage(), "Transaction commit was rejected by peer");
        Transaction late = asset.createTransaction("put").setCommitTimeout(1, TimeUnit.MICROSECONDS);
        contains(fails(TimeoutException.class, () -> late.submit("late", "Anna", "1")).getMessage(), late.getTransactionId());
    }

    private static void yaml() throws Exception {
        try (Gateway gateway = gateway("org1-user1").networkConfig(Site.file("profiles", "org1.yaml")).connect()) {
            same("Org1MSP User1@org1.example.com", text(new Transactions(gateway).asset.evaluateTransaction("whoami")));
        }
    }

    private static void away() throws Exception {
        try (Gateway gateway = gateway("org1-user1").connect()) {
            Contract asset = new Transactions(gateway).asset;
            asset.submitTransaction("put", "half", "Anna", "1");
            control("stop", Site.ORDERER);
            fails(ContractException.class, () -> asset.submitTransaction("put", "half", "Anna", "2"));
            control("start", Site.ORDERER);
            asset.submitTransaction("put", "half", "Anna", "3");
        }
    }
}
