package clients;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;

import org.hyperledger.fabric.gateway.DefaultCommitHandlers;
import org.hyperledger.fabric.gateway.Gateway;
import org.hyperledger.fabric.gateway.Wallets;

/** What the programs here share: the network they are run against, how to enter it, and how to insist on something. */
final class Site {
    static final String CHANNEL = "mychannel";
    static final String PEER1 = "peer0.org1.example.com";
    static final String PEER2 = "peer0.org2.example.com";
    static final String ORDERER = "orderer.example.com";

    private Site() { }

    static Path file(final String... names) {
        return Path.of(System.getenv("HEDDLE_NETWORK"), names);
    }

    static Path profile(final String org) {
        return file("profiles", org + ".json");
    }

    /** Prepares to enter as a user such as org1-user1, whose transactions are over when all peers have them: the next one is endorsed by all. */
    static Gateway.Builder gateway(final String user) throws IOException {
        return Gateway.createBuilder()
                .identity(Wallets.newFileSystemWallet(file("wallet")), user)
                .networkConfig(profile(user.split("-")[0]))
                .commitHandler(DefaultCommitHandlers.NETWORK_SCOPE_ALLFORTX)
                .discovery(false);
    }

    /** Asks the test around this program to stop, start, pause or resume a node. */
    static void control(final String verb, final String node) throws IOException, InterruptedException {
        URI uri = URI.create(System.getenv("HEDDLE_CONTROL") + "/" + verb + "/" + node);
        HttpRequest request = HttpRequest.newBuilder(uri).POST(HttpRequest.BodyPublishers.noBody()).build();
        HttpResponse<String> answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        check(answer.statusCode() == 200, answer.body());
    }

    static String text(final byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    static void check(final boolean holds, final String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }

    static void same(final Object want, final Object got) {
        check(Objects.equals(want, got), "want " + want + ", got " + got);
    }

    static void contains(final String text, final String part) {
        check(text != null && text.contains(part), "want " + part + " in " + text);
    }

    /** The exception of a call that must fail in this way. */
    static <E extends Exception> E fails(final Class<E> kind, final Callable<?> call) throws Exception {
        try {
            call.call();
        } catch (Exception e) {
            if (kind.isInstance(e)) {
                return kind.cast(e);
            }
            throw e;
        }
        throw new AssertionError("it did not fail");
    }

    /** Waits for a condition. */
    static void until(final String what, final Callable<Boolean> condition) throws Exception {
        for (long end = System.currentTimeMillis() + 100_000; !condition.call(); Thread.sleep(20)) {
            check(System.currentTimeMillis() < end, "still waiting: " + what);
        }
    }

    /** A program, or a step of one. */
    interface Step {
        void run() throws Exception;
    }

    /** Runs a whole program and ends it, though the libraries' threads would go on. */
    static void program(final Step all) {
        try {
            all.run();
            System.exit(0);
        } catch (Exception | AssertionError e) {
            e.printStackTrace();
            System.exit(1);
        }
    }

    /** Runs a step of a program and names it in the output. */

    static void step(final String name, final Step step) throws Exception {
        System.out.println("--- " + name);
        step.run();
    }

    /** For callbacks, which may not throw what files throw. */
    static void unchecked(final Step step) {
        try {
            step.run();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
