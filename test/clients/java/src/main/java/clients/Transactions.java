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

    public static void main(final String[] args) throws Exception {
        try (Gateway gateway = gateway("org1-user1").connect()) {
            Transactions t = new Transactions(gateway);
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
        step("with the profile in YAML", Transactions::yaml);
        if (System.getenv("HEDDLE_MUTUAL_TLS") == null) {
            step("a node is away", Transactions::away);
        }
        System.exit(0);
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

    private void conflicts() throws Exception {
        asset.submitTransaction("put", "ball", "Anna", "0");
        List<CompletableFuture<String>> ends = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            String value = String.valueOf(i);
            ends.add(CompletableFuture.supplyAsync(() -> {
                try {
                    asset.submitTransaction("put", "ball", "Anna", value);
                    return "VALID";
                } catch (ContractException e) {
                    return e.getMessage();
                } catch (TimeoutException | InterruptedException e) {
                    return e.toString();
                }
            }));
        }
        int valid = 0;
        for (CompletableFuture<String> end : ends) {
            String how = end.get(60, TimeUnit.SECONDS);
            if (how.equals("VALID")) {
                valid++;
            } else {
                contains(how, "Transaction commit was rejected by peer peer0.org");
            }
        }
        check(valid > 0, "none was valid");
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
