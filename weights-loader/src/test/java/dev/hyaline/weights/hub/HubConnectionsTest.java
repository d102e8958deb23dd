package dev.hyaline.weights.hub;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.weights.hub.FakeHub.Fault;
import dev.hyaline.weights.hub.HubException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Connections that break, stall or cannot be made, and downloads that go on. */
class HubConnectionsTest extends HubFixture {
    @Test
    void cutAreGoneOnWithWhereTheyEnded() throws IOException {
        fake.storeFaults.add(first(3, WEIGHTS, cutAfter(100)));
        assertRight(get(NAME));
        assertThat(fake.gets(WEIGHTS).stream().filter(FakeHub.Seen::store).map(FakeHub.Seen::range))
                .containsExactly(
                        Optional.empty(),
                        Optional.of("bytes=100-"),
                        Optional.of("bytes=200-"),
                        Optional.of("bytes=300-"));
        assertThat(notes).hasSize(3).allMatch(note -> note.startsWith(WEIGHTS + " of ann/tiny: "));
        assertThat(advanced).isEqualTo(total);
    }

    @Test
    void cutTooOftenLeaveAPartThatALaterRunGoesOnWith() throws IOException {
        fake.storeFaults.add(first(5, WEIGHTS, cutAfter(100)));
        assertThat(failure())
                .hasMessageContainingAll("cannot fetch model.safetensors of ann/tiny", "after 5 tries", "try again")
                .extracting(HubException::reason)
                .isEqualTo(Reason.UNREACHABLE);
        assertNoWeights();
        assertThat(partial()).hasSize(500);
        assertRight(get(NAME));
        assertThat(fake.gets(WEIGHTS).getLast().range()).contains("bytes=500-");
    }

    @Test
    void silentAreGivenUpAndTriedAgain() throws IOException {
        environment.put("HF_HUB_DOWNLOAD_TIMEOUT", "1.2");
        CountDownLatch end = new CountDownLatch(1);
        Fault silent = exchange -> {
            cutAfter(50).answers(exchange);
            await(end);
            return true;
        };
        fake.storeFaults.add(first(1, WEIGHTS, silent));
        assertRight(get(NAME));
        assertThat(notes).anyMatch(note -> note.contains("localhost fell silent for 1200 ms"));
        end.countDown();
    }

    @Test
    void thatNeverAnswerEndInAnError() throws IOException {
        environment.put("HF_HUB_DOWNLOAD_TIMEOUT", "0.1");
        CountDownLatch end = new CountDownLatch(1);
        fake.hubFaults.add(exchange -> {
            await(end);
            return true;
        });
        assertThat(failure()).hasMessageContainingAll("127.0.0.1 did not answer within 100 ms", "after 5 tries");
        assertNoWeights();
        end.countDown();
    }

    private static void await(CountDownLatch end) {
        try {
            assertThat(end.await(1, TimeUnit.MINUTES)).isTrue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void slowButSteadyAreWaitedFor() throws IOException {
        environment.put("HF_HUB_DOWNLOAD_TIMEOUT", "2");
        Fault slow = exchange -> {
            exchange.sendResponseHeaders(200, weights.length);
            int step = weights.length / 8 + 1;
            for (int at = 0; at < weights.length; at += step) {
                exchange.getResponseBody().write(weights, at, Math.min(step, weights.length - at));
                exchange.getResponseBody().flush();
                pause();
            }
            return true;
        };
        fake.storeFaults.add(always(WEIGHTS, slow));
        assertRight(get(NAME));
        assertThat(notes).as("in all it takes longer than the timeout").isEmpty();
    }

    private static void pause() {
        try {
            Thread.sleep(300);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @ParameterizedTest
    @CsvSource({"http://127.0.0.1:1, no connection to 127.0.0.1", "http://nowhere.invalid, the name nowhere.invalid"})
    void toNobodyEndInOneSentenceAtOnce(String endpoint, String message) {
        environment.put("HF_ENDPOINT", endpoint);
        assertThat(failure())
                .hasMessageContainingAll("cannot fetch ann/tiny: " + message, "HF_ENDPOINT", "https_proxy")
                .hasNoCause()
                .extracting(HubException::reason)
                .isEqualTo(Reason.UNREACHABLE);
        assertThat(cache()).doesNotExist();
    }

    @Test
    void goOnFromTheStartWhereTheServerKnowsNoRanges() throws IOException {
        Files.createDirectories(partial().getParent());
        Files.write(partial(), Arrays.copyOf(weights, 77));
        fake.storeFaults.add(always(WEIGHTS, exchange -> {
            exchange.sendResponseHeaders(200, weights.length);
            exchange.getResponseBody().write(weights);
            return true;
        }));
        assertRight(get(NAME));
        assertThat(advanced).isEqualTo(total);
    }

    @ParameterizedTest
    @ValueSource(ints = {416, 206})
    void goOnFromTheStartWhereARangeIsRefusedOrAnother(int status) throws IOException {
        Files.createDirectories(partial().getParent());
        Files.write(partial(), Arrays.copyOf(weights, 77));
        fake.storeFaults.add(first(1, WEIGHTS, exchange -> {
            exchange.getResponseHeaders().set("Content-Range", "bytes 0-9/10");
            exchange.sendResponseHeaders(status, -1);
            return true;
        }));
        assertRight(get(NAME));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void goOnWithAWrongPartOnlyOnce(boolean tooLong) throws IOException {
        Files.createDirectories(partial().getParent());
        Files.write(partial(), new byte[tooLong ? weights.length + 1 : weights.length - 9]);
        assertRight(get(NAME));
        assertThat(advanced).isEqualTo(total);
    }
}
