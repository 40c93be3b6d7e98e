package clients;

import static clients.Site.contains;
import static clients.Site.control;
import static clients.Site.file;
import static clients.Site.gateway;
import static clients.Site.same;
import static clients.Site.step;
import static clients.Site.text;
import static clients.Site.unchecked;
import static clients.Site.until;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

import org.hyperledger.fabric.gateway.Contract;
import org.hyperledger.fabric.gateway.ContractEvent;
import org.hyperledger.fabric.gateway.DefaultCheckpointers;
import org.hyperledger.fabric.gateway.DefaultCommitHandlers;
import org.hyperledger.fabric.gateway.Gateway;
import org.hyperledger.fabric.gateway.Network;
import org.hyperledger.fabric.gateway.Transaction;

/**
 * Events by fabric-gateway-java. The argument is "live"; or "die", which causes five events, handles two and ends; or "resume", which goes on
 * with the checkpoints of the former, so that each event is handled once and in order.
 */
public final class Events {
    private Events() { }

    public static void main(final String[] args) {
        Site.program(() -> {
            Network network = gateway("org1-user1").connect().getNetwork(Site.CHANNEL);
            if (args[0].equals("live")) {
                step("contract events", () -> contractEvents(network.getContract("asset")));
                step("block events over a restart of the peer", () -> blockEvents(network));
            } else {
                checkpoints(network, args[0].equals("die"));
            }
        });
    }

    private static void contractEvents(final Contract asset) throws Exception {
        List<ContractEvent> seen = new CopyOnWriteArrayList<>();
        asset.addContractListener(seen::add, "transfer");
        asset.submitTransaction("put", "live", "Anna", "1");
        asset.submitTransaction("transfer", "live", "Boris");
        until("the event", () -> !seen.isEmpty());
        same("transfer", seen.get(0).getName());
        same("asset", seen.get(0).getChaincodeId());
        contains(text(seen.get(0).getPayload().orElseThrow()), "\"owner\":\"Boris\"");
        same(true, seen.get(0).getTransactionEvent().isValid());
        same("{\"id\":\"live\",\"owner\":\"Boris\",\"value\":1}", text(asset.evaluateTransaction("get", "live")));
    }

    private static void blockEvents(final Network network) throws Exception {
        List<Long> numbers = new CopyOnWriteArrayList<>();
        network.addBlockListener(0, block -> numbers.add(block.getBlockNumber()));
        Contract asset = network.getContract("asset");
        asset.submitTransaction("put", "before", "Anna", "1");
        control("stop", Site.PEER1);
        control("start", Site.PEER1);
        try (Gateway again = gateway("org2-user1").connect()) {
            again.getNetwork(Site.CHANNEL).getContract("asset").submitTransaction("put", "after", "Anna", "1");
            long height = again.getNetwork(Site.CHANNEL).getChannel().queryBlockchainInfo().getHeight();
            until("all blocks", () -> numbers.size() >= height);
            same(LongStream.range(0, numbers.size()).boxed().collect(Collectors.toList()), List.copyOf(numbers));
        }
    }

    private static void checkpoints(final Network network, final boolean dies) throws Exception {
        Path handled = file("java-handled"), caused = file("java-caused");
        CountDownLatch two = new CountDownLatch(2);
        Contract asset = network.getContract("asset");
        asset.addContractListener(DefaultCheckpointers.file(file("java-checkpoint")), event -> unchecked(() -> {
            if (dies && two.getCount() == 0) {
                Thread.sleep(Long.MAX_VALUE); // handles nothing any more
            }
            append(handled, event.getTransactionEvent().getTransactionID());
            two.countDown();
        }));
        for (int i = 0; i < (dies ? 5 : 2); i++) {
            Transaction transaction = asset.createTransaction("put").setCommitHandler(DefaultCommitHandlers.NONE); // events are stuck in one that dies
            transaction.submit("checked" + i, "Anna", "1");
            append(caused, transaction.getTransactionId());
        }
        if (dies) {
            two.await();
            return;
        }
        List<String> expected = Files.readAllLines(caused);
        until("the last event", () -> Files.readAllLines(handled).contains(expected.get(expected.size() - 1)));
        List<String> got = new ArrayList<>(Files.readAllLines(handled));
        got.retainAll(expected);
        same(expected, got);
    }

    private static void append(final Path path, final String line) throws IOException {
        Files.writeString(path, line + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }
}
