package dev.hyaline.weights.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.weights.hub.FakeHub.Fault;
import dev.hyaline.weights.hub.HubException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Answers that are wrong, whole or in part: they end in an error, and never in the cache. */
class HubAnswersTest extends HubFixture {
    @Nested
    class Contents {
        @Test
        void ofAWrongChecksumAreNotKept() throws IOException {
            byte[] wrong = weights.clone();
            wrong[weights.length - 1] ^= 1;
            fake.storeFaults.add(always(WEIGHTS, sends(wrong)));
            assertThat(failure())
                    .hasMessageContainingAll(
                            "model.safetensors of ann/tiny is not what the hub announced",
                            "SHA-256 is " + FakeHub.hex("SHA-256", wrong),
                            "nothing of it was kept")
                    .extracting(HubException::reason)
                    .isEqualTo(Reason.BROKEN_ANSWER);
            assertNoWeights();
            assertThat(partial()).doesNotExist();
        }

        @Test
        void ofSmallFilesAreCheckedToo() throws IOException {
            byte[] config = fake.repository(NAME).files.get("config.json").clone();
            config[0] = ' ';
            fake.hubFaults.add(always(
                    "config.json",
                    exchange -> exchange.getRequestURI().getPath().startsWith("/api/")
                            && sends(config).answers(exchange)));
            assertThat(failure())
                    .hasMessageContaining("config.json of ann/tiny is not what the hub announced: its SHA-1");
            assertNoWeights();
        }

        @ParameterizedTest
        @ValueSource(ints = {-1, 1})
        void ofAWrongLengthAreNotKept(int more) throws IOException {
            fake.storeFaults.add(always(WEIGHTS, sends(Arrays.copyOf(weights, weights.length + more))));
            assertThat(failure())
                    .hasMessageContaining(
                            "localhost sends " + (weights.length + more) + " bytes where " + weights.length);
            assertNoWeights();
            assertThat(partial()).doesNotExist();
        }

        @Test
        void withoutAnEndAreCutAtWhatWasAnnounced() throws IOException {
            fake.storeFaults.add(always(WEIGHTS, exchange -> {
                exchange.sendResponseHeaders(200, 0);
                byte[] chunk = new byte[1 << 16];
                for (int i = 0; i < 1 << 14; i++) {
                    exchange.getResponseBody().write(chunk);
                }
                return true;
            }));
            assertThat(failure()).hasMessageContaining("is not what the hub announced");
            assertNoWeights();
            assertThat(partial()).doesNotExist();
        }

        @Test
        void largerThanTheDiskAreRefusedBeforehand() throws IOException {
            fake.hubFaults.add(exchange -> {
                boolean asked = exchange.getRequestURI().getPath().endsWith("/" + WEIGHTS);
                if (asked) {
                    exchange.getResponseHeaders().set("X-Repo-Commit", fake.repository(NAME).commit);
                    exchange.getResponseHeaders().set("X-Linked-Size", String.valueOf(1L << 58));
                    exchange.getResponseHeaders().set("X-Linked-Etag", "\"" + FakeHub.hex("SHA-256", weights) + "\"");
                    FakeHub.redirect(exchange, fake.storeAddress() + "/" + NAME + "/" + WEIGHTS);
                }
                return asked;
            });
            assertThat(failure())
                    .hasMessageContainingAll("288230376151711744 bytes", "HF_HUB_CACHE")
                    .extracting(HubException::reason)
                    .isEqualTo(Reason.CACHE);
            assertThat(fake.gets(WEIGHTS)).isEmpty();
        }

        @Test
        void thatAreNoGpt2AreNotFetched() {
            fake.repository(NAME).file("config.json", "{\"model_type\": \"llama\"}");
            assertThat(catchThrowableOfType(BadCheckpointException.class, () -> get(NAME)))
                    .hasMessageContaining("llama");
            assertThat(fake.seen).noneMatch(FakeHub.Seen::store);
        }

        @ParameterizedTest
        @CsvSource({
            "config.json, it has no config.json",
            "model.safetensors pytorch_model.bin, 'holds no weights: none of its 5 files is called model.safetensors'"
        })
        void thatAreNoModelAreNamed(String removed, String message) {
            List.of(removed.split(" ")).forEach(fake.repository(NAME).files::remove);
            assertThat(failure())
                    .hasMessageContaining(message)
                    .extracting(HubException::reason)
                    .isEqualTo(Reason.NO_MODEL);
        }
    }

    @Nested
    class Statuses {
        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "401 | RepoNotFound | NOT_ALLOWED | there is no such repository, or it is private and needs"
                            + " HF_TOKEN",
                    "401 |              | NOT_ALLOWED | there is no such repository, or it is private and needs"
                            + " HF_TOKEN",
                    "401 | GatedRepo    | NOT_ALLOWED | accept its conditions at ENDPOINT/ann/tiny and set HF_TOKEN",
                    "403 | GatedRepo    | NOT_ALLOWED | accept its conditions at ENDPOINT/ann/tiny and set HF_TOKEN",
                    "403 |              | NOT_ALLOWED | (forbidden): see ENDPOINT/ann/tiny, and set HF_TOKEN",
                    "404 | RepoNotFound | NOT_FOUND | there is no such repository",
                    "404 | RevisionNotFound | NOT_FOUND | there is no such revision",
                    "404 | EntryNotFound | NOT_FOUND | there is no such file",
                    "404 |              | NOT_FOUND   | (not found): check the name",
                    "500 |              | UNREACHABLE | after 5 tries; try again later",
                    "503 |              | UNREACHABLE | after 5 tries; try again later",
                    "418 |              | BROKEN_ANSWER | which a hub does not",
                })
        void areNamedWithTheirRemedy(int status, String errorCode, Reason reason, String remedy) throws IOException {
            Fault fault = status(status, errorCode == null ? "" : errorCode);
            String expected = remedy.replace("ENDPOINT", fake.endpoint());
            fake.hubFaults.add(fault);
            assertThat(failure())
                    .hasMessageContainingAll("cannot fetch ann/tiny: 127.0.0.1 answered " + status, expected)
                    .extracting(HubException::reason)
                    .isEqualTo(reason);
            assertThat(cache()).doesNotExist();

            fake.hubFaults.clear();
            fake.hubFaults.add(
                    exchange -> exchange.getRequestURI().getPath().endsWith("/" + WEIGHTS) && fault.answers(exchange));
            assertThat(failure())
                    .hasMessageContainingAll(
                            "cannot fetch model.safetensors of ann/tiny: 127.0.0.1 answered " + status, expected);
            assertNoWeights();
        }

        @Test
        void anotherRevisionIsTold() {
            assertThat(failure(NAME + "@v9"))
                    .hasMessageContaining(
                            "cannot fetch ann/tiny@v9: 127.0.0.1 answered 404, as there is no such revision");
        }

        @Test
        void aTokenThatDoesNotHelpIsTold() {
            environment.put("HF_TOKEN", TOKEN);
            assertThat(failure("ann/other"))
                    .hasMessageContaining("the token in use may not read it, or is not valid")
                    .extracting(HubException::reason)
                    .isEqualTo(Reason.NOT_FOUND);
        }

        @Test
        void tooManyRequestsAreWaitedOut() throws IOException {
            Fault busy = exchange -> {
                exchange.getResponseHeaders().set("Retry-After", "0");
                return status(429, "").answers(exchange);
            };
            AtomicInteger left = new AtomicInteger(3);
            fake.hubFaults.add(exchange -> left.getAndDecrement() > 0 && busy.answers(exchange));
            assertRight(get(NAME));
            assertThat(notes).hasSize(3).allMatch(note -> note.contains("answered 429 (too many requests)"));
        }

        @ParameterizedTest
        @CsvSource({"3600, 3600 s", "'Wed, 21 Oct 2099 07:28:00 GMT', s"})
        void tooManyRequestsForLongEndInAnError(String wait, String told) throws IOException {
            fake.hubFaults.add(exchange -> {
                exchange.getResponseHeaders().set("Retry-After", wait);
                return status(429, "").answers(exchange);
            });
            assertThat(failure())
                    .hasMessageContainingAll(
                            "answered 429 (too many requests); try again in ", told + ", or set HF_TOKEN");
            assertThat(fake.seen).hasSize(1);
            assertNoWeights();
        }

        @Test
        void aServerThatRecoversIsForgiven() throws IOException {
            AtomicInteger left = new AtomicInteger(2);
            fake.hubFaults.add(
                    exchange -> left.getAndDecrement() > 0 && status(502, "").answers(exchange));
            fake.storeFaults.add(first(2, WEIGHTS, status(403, "")));
            assertRight(get(NAME));
        }
    }

    @Test
    void aCacheThatCannotBeWrittenIsTold() throws IOException {
        Path file = Files.writeString(temporary.resolve("file"), "no folder");
        environment.put("HF_HUB_CACHE", file.resolve("cache").toString());
        assertThat(failure())
                .hasMessageContainingAll("cannot write to the cache " + file.resolve("cache"), "HF_HUB_CACHE")
                .extracting(HubException::reason)
                .isEqualTo(Reason.CACHE);
    }

    @Test
    void aLinkInThePartialFilesPlaceIsNotWrittenThrough() throws IOException {
        Path victim = Files.writeString(temporary.resolve("victim"), "precious");
        Files.createDirectories(partial().getParent());
        Files.createSymbolicLink(partial(), victim);
        assertThat(failure()).extracting(HubException::reason).isEqualTo(Reason.CACHE);
        assertThat(victim).hasContent("precious");
    }

    @Test
    void anInterruptEndsADownload() throws Exception {
        fake.storeFaults.add(always(WEIGHTS, status(503, "")));
        Hub patient = Hub.of(HubSettings.of(environment).withPause(Duration.ofMinutes(1)));
        CountDownLatch waiting = new CountDownLatch(1);
        List<HubException> thrown = new ArrayList<>();
        Thread thread = Thread.ofPlatform()
                .start(() -> thrown.add(catchThrowableOfType(
                        HubException.class,
                        () -> patient.get(HubName.parse(NAME).orElseThrow(), new HubListener() {
                            @Override
                            public void note(String sentence) {
                                waiting.countDown();
                            }
                        }))));
        waiting.await();
        thread.interrupt();
        thread.join();
        assertThat(thrown).singleElement().asString().contains("the download was interrupted");
        assertNoWeights();
    }
}
