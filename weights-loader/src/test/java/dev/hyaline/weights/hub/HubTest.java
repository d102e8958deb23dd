package dev.hyaline.weights.hub;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.HttpExchange;
import dev.hyaline.engine.BadCheckpointException;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.TinyCheckpoint;
import dev.hyaline.weights.TinyTokenizer;
import dev.hyaline.weights.hub.FakeHub.Fault;
import dev.hyaline.weights.hub.HubException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Downloads from a hub that plays false in every way, and what the cache holds afterwards. */
class HubTest {
    private static final String NAME = "ann/tiny";
    private static final String WEIGHTS = "model.safetensors";
    private static final String TOKEN = "hf_secretsecret";

    @TempDir
    Path temporary;

    private final FakeHub fake = new FakeHub();
    private final Map<String, String> environment = new HashMap<>();
    private final List<String> notes = new ArrayList<>();
    private byte[] weights;
    private long total;
    private long advanced;

    private final HubListener listener = new HubListener() {
        @Override
        public void total(long bytes) {
            total = bytes;
        }

        @Override
        public void advanced(long bytes) {
            advanced += bytes;
        }

        @Override
        public void note(String sentence) {
            notes.add(sentence);
        }
    };

    @BeforeEach
    void repository() {
        environment.put("HF_ENDPOINT", fake.endpoint() + "/");
        environment.put("HF_HUB_CACHE", cache().toString());
        environment.put("HF_HOME", temporary.resolve("home").toString());
        environment.put("HF_HUB_DOWNLOAD_TIMEOUT", "10");
        TinyCheckpoint tiny = new TinyCheckpoint();
        weights = tiny.safetensors();
        fake.repository(NAME)
                .file(".gitattributes", "*.bin lfs")
                .file("config.json", tiny.configJson())
                .file(WEIGHTS, weights)
                .file("pytorch_model.bin", "not wanted")
                .file("tokenizer.json", new TinyTokenizer().json())
                .file("README.md", "# Tiny")
                .file("onnx/model.onnx", "not wanted either");
    }

    @AfterEach
    void stop() {
        fake.close();
    }

    private Path cache() {
        return temporary.resolve("cache");
    }

    private Hub hub() {
        return Hub.of(HubSettings.of(environment).withPause(Duration.ofMillis(1)));
    }

    private Snapshot get(String name) {
        return hub().get(HubName.parse(name).orElseThrow(), listener);
    }

    private HubException failure() {
        return failure(NAME);
    }

    private HubException failure(String name) {
        HubException failure = catchThrowableOfType(HubException.class, () -> get(name));
        assertThat(failure).as("failure").isNotNull();
        assertThat(failure.getMessage()).doesNotContain("s3cret", TOKEN, "\n").hasSizeLessThan(600);
        return failure;
    }

    private Path repositoryFolder() {
        return cache().resolve("models--ann--tiny");
    }

    private Path blob() {
        return repositoryFolder().resolve("blobs").resolve(FakeHub.hex("SHA-256", weights));
    }

    private Path partial() {
        return blob().resolveSibling(blob().getFileName() + ".hyaline.incomplete");
    }

    private void assertRight(Snapshot snapshot) throws IOException {
        assertThat(snapshot.folder().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(partial()).doesNotExist();
        try (Checkpoint checkpoint = Checkpoint.open(snapshot)) {
            assertThat(checkpoint.name()).isEqualTo(NAME);
            assertThat(checkpoint.weights()).isNotNull();
        }
        assertNothingWrong();
    }

    /** Whatever stands under a checksum has it. */
    private void assertNothingWrong() throws IOException {
        if (!Files.exists(repositoryFolder().resolve("blobs"))) {
            return;
        }
        try (Stream<Path> blobs = Files.list(repositoryFolder().resolve("blobs"))) {
            for (Path blob : (Iterable<Path>) blobs::iterator) {
                String name = blob.getFileName().toString();
                if (!name.endsWith(".incomplete")) {
                    byte[] content = Files.readAllBytes(blob);
                    assertThat(name)
                            .isEqualTo(
                                    name.length() == 64 ? FakeHub.hex("SHA-256", content) : FakeHub.gitHash(content));
                }
            }
        }
    }

    private void assertNoWeights() throws IOException {
        assertThat(blob()).doesNotExist();
        assertThat(hub().cached(HubName.parse(NAME).orElseThrow())).isEmpty();
        assertThat(repositoryFolder().resolve("refs/main")).doesNotExist();
        assertNothingWrong();
    }

    /** A fault in the first answers about a file's content. */
    private static Fault first(int times, String file, Fault fault) {
        AtomicInteger left = new AtomicInteger(times);
        return exchange -> exchange.getRequestMethod().equals("GET")
                && exchange.getRequestURI().getPath().endsWith("/" + file)
                && left.getAndDecrement() > 0
                && fault.answers(exchange);
    }

    private static Fault always(String file, Fault fault) {
        return first(Integer.MAX_VALUE, file, fault);
    }

    private static Fault status(int status, String errorCode) {
        return exchange -> {
            FakeHub.refuse(exchange, status, errorCode);
            return true;
        };
    }

    private static Fault sends(byte[] content) {
        return exchange -> {
            FakeHub.body(exchange, content);
            return true;
        };
    }

    /** Announces all that is asked for, and closes the connection after a part. */
    private Fault cutAfter(int bytes) {
        return exchange -> {
            int from = from(exchange);
            if (from > 0) {
                exchange.getResponseHeaders()
                        .set("Content-Range", "bytes " + from + "-" + (weights.length - 1) + "/" + weights.length);
            }
            exchange.sendResponseHeaders(from > 0 ? 206 : 200, weights.length - from);
            exchange.getResponseBody().write(weights, from, bytes);
            exchange.getResponseBody().flush();
            return true;
        };
    }

    private static int from(HttpExchange exchange) {
        String range = exchange.getRequestHeaders().getFirst("Range");
        return range == null ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
    }

    @Nested
    class Layout {
        @Test
        void isThatOfHuggingFace() throws IOException {
            Snapshot snapshot = get(NAME);
            String commit = fake.repository(NAME).commit;
            assertThat(snapshot)
                    .isEqualTo(new Snapshot(
                            NAME, commit, List.of("main"), repositoryFolder().resolve("snapshots/" + commit)));
            assertThat(snapshot.pinned()).isEqualTo(NAME + "@" + commit);
            assertThat(repositoryFolder().resolve("refs/main")).hasContent(commit);
            assertThat(Files.readSymbolicLink(snapshot.folder().resolve(WEIGHTS)))
                    .isEqualTo(Path.of("../../blobs", FakeHub.hex("SHA-256", weights)));
            byte[] config = fake.repository(NAME).files.get("config.json");
            assertThat(Files.readSymbolicLink(snapshot.folder().resolve("config.json")))
                    .isEqualTo(Path.of("../../blobs", FakeHub.gitHash(config)));
            assertThat(repositoryFolder().resolve(".no_exist/" + commit + "/vocab.json"))
                    .isEmptyFile();
            assertThat(cache().resolve(".locks/models--ann--tiny")).isDirectory();
            assertRight(snapshot);
        }

        @Test
        void holdsOnlyWhatIsNeeded() throws IOException {
            try (Stream<Path> files = Files.list(get(NAME).folder())) {
                assertThat(files.map(file -> file.getFileName().toString()))
                        .containsExactlyInAnyOrder("config.json", WEIGHTS, "tokenizer.json", "README.md");
            }
            assertThat(total).isEqualTo(get(NAME).bytes()).isEqualTo(advanced);
        }

        @Test
        void ofAModelInShards() throws IOException {
            TinyCheckpoint tiny = new TinyCheckpoint();
            List<String> names = List.copyOf(tiny.tensors.keySet());
            Path folder = Files.createDirectory(temporary.resolve("shards"));
            tiny.writeShards(folder, List.of(names.subList(0, 5), names.subList(5, names.size())));
            FakeHub.Repository repository = fake.repository("ann/shards").file("config.json", tiny.configJson());
            try (Stream<Path> files = Files.list(folder)) {
                for (Path file : (Iterable<Path>) files::iterator) {
                    repository.file(file.getFileName().toString(), Files.readAllBytes(file));
                }
            }
            repository.file("pytorch_model.bin", "not wanted");
            try (Checkpoint checkpoint = Checkpoint.open(get("ann/shards"))) {
                assertThat(checkpoint.weights()).isNotNull();
            }
            assertThat(fake.gets("pytorch_model.bin")).isEmpty();
        }

        @Test
        void withoutSymbolicLinksIsMadeOfFiles() throws IOException {
            environment.put("HF_HUB_DISABLE_SYMLINKS", "1");
            Snapshot snapshot = get(NAME);
            assertThat(snapshot.folder().resolve(WEIGHTS))
                    .isRegularFile()
                    .satisfies(file -> assertThat(Files.isSymbolicLink(file)).isFalse());
            assertRight(snapshot);
        }

        @Test
        void sharesAContentBetweenCommits() throws IOException {
            Snapshot first = get(NAME);
            fake.seen.clear();
            // Another commit with the same weights, as after an edit of the model card.
            Path other = first.folder().resolveSibling("0".repeat(40));
            Files.move(first.folder(), other);
            Snapshot again = get(NAME);
            assertThat(fake.seen).noneMatch(FakeHub.Seen::store);
            assertRight(again);
            environment.put("HF_HUB_DISABLE_SYMLINKS", "1");
            Files.delete(again.folder().resolve(WEIGHTS));
            assertRight(get(NAME));
            assertThat(blob()).as("others link to it").exists();
        }
    }

    @Nested
    class Names {
        @Test
        void shortOnesMeanTheirRepositories() {
            FakeHub.Repository repository = fake.repository("openai-community/gpt2");
            repository.files.putAll(fake.repository(NAME).files);
            assertThat(get("gpt2").repository()).isEqualTo("openai-community/gpt2");
            assertThat(cache().resolve("models--openai-community--gpt2")).isDirectory();
            assertThat(HubName.parse("distilgpt2").orElseThrow().repository()).isEqualTo("distilbert/distilgpt2");
        }

        @Test
        void areFoundUnderTheirOldNamesToo() throws IOException {
            Snapshot snapshot = get(NAME);
            Files.move(repositoryFolder(), cache().resolve("models--gpt2"));
            fake.close();
            assertThat(get("gpt2@" + snapshot.commit()).repository()).isEqualTo("gpt2");
            assertThat(get("openai-community/gpt2").commit()).isEqualTo(snapshot.commit());
        }

        @ParameterizedTest
        @ValueSource(strings = {"v1.0", "refs/pr/3", "a-branch/of_mine"})
        void canBePinned(String revision) throws IOException {
            fake.repository(NAME).revisions.add(revision);
            Snapshot snapshot = get(NAME + "@" + revision);
            assertThat(snapshot.revisions()).containsExactly(revision);
            assertThat(repositoryFolder().resolve("refs").resolve(revision)).hasContent(snapshot.commit());
            fake.seen.clear();
            assertThat(get(NAME + "@" + revision)).isEqualTo(snapshot);
            assertThat(get(NAME + "@" + snapshot.commit())).isEqualTo(snapshot);
            assertThat(fake.seen).as("requests").isEmpty();
        }

        @Test
        void pinnedToACommitLeaveNoRevision() {
            Snapshot snapshot = get(NAME + "@" + fake.repository(NAME).commit);
            assertThat(snapshot.revisions()).isEmpty();
            assertThat(repositoryFolder().resolve("refs")).doesNotExist();
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "",
                    "/",
                    "/a",
                    "a/",
                    "a/b/c",
                    "../a",
                    "a/..",
                    "..",
                    "./a",
                    "a--b/c",
                    "~/gpt2",
                    "a b",
                    "a\\b",
                    "a@",
                    "a@..",
                    "a@/b",
                    "a@b/",
                    "a@b//c",
                    "a@../../b",
                    "a@b c",
                    "a@b@c",
                    "a/model.safetensors",
                    "x.gguf",
                    "a\n",
                    "é/b",
                    "C:/x",
                    "a/b@.hidden",
                    "a/b?x=1",
                    "a/b#c",
                    "a/b%2e"
                })
        void thatCannotBeAreNone(String text) {
            assertThat(HubName.parse(text)).isEmpty();
        }
    }

    @Nested
    class Cached {
        @Test
        void isUsedWithoutAskingAnyone() throws IOException {
            Snapshot snapshot = get(NAME);
            fake.close();
            environment.put("HF_HUB_OFFLINE", "ON");
            assertThat(get(NAME)).isEqualTo(snapshot);
            assertThat(hub().cached()).containsExactly(snapshot);
            assertRight(snapshot);
        }

        @Test
        void isCompletedWhereItsWeightsOrLinksAreGone() throws IOException {
            Files.delete(get(NAME).folder().resolve(WEIGHTS));
            assertRight(get(NAME));
            Files.delete(blob());
            assertRight(get(NAME));
        }

        @Test
        void getsTheTokenizerThatAnotherProgramLeftOut() throws IOException {
            Path tokenizer = get(NAME).folder().resolve("tokenizer.json");
            Files.delete(tokenizer);
            assertRight(get(NAME));
            assertThat(tokenizer).exists();
            Files.delete(tokenizer);
            environment.put("HF_HUB_OFFLINE", "1");
            assertRight(get(NAME));
            assertThat(tokenizer).doesNotExist();
            environment.remove("HF_HUB_OFFLINE");
            fake.close();
            assertRight(get(NAME));
            assertThat(notes.getLast()).contains("the tokenizer of ann/tiny is not in the cache", "no connection");
        }

        @Test
        void isNotAskedForATokenizerThatNobodyHas() {
            fake.repository(NAME).files.remove("tokenizer.json");
            get(NAME);
            fake.seen.clear();
            get(NAME);
            assertThat(fake.seen).isEmpty();
        }

        @Test
        void offlineNothingElseCanBeHad() {
            environment.put("HF_HUB_OFFLINE", "1");
            assertThat(failure())
                    .hasMessageContainingAll(NAME + " is not in the cache " + cache(), "HF_HUB_OFFLINE")
                    .extracting(HubException::reason)
                    .isEqualTo(Reason.OFFLINE);
            environment.remove("HF_HUB_OFFLINE");
            Snapshot snapshot = get(NAME);
            environment.put("TRANSFORMERS_OFFLINE", "true");
            assertThat(failure(NAME + "@other")).hasMessageContaining("but " + snapshot.pinned() + " is");
            assertThat(fake.seen).noneMatch(request -> request.path().contains("other"));
        }

        @Test
        void isReadWithoutBeingWritten() throws IOException {
            Snapshot snapshot = get(NAME);
            List<Path> folders = List.of(cache(), repositoryFolder(), snapshot.folder());
            folders.forEach(folder -> folder.toFile().setWritable(false));
            try {
                assertThat(get(NAME)).isEqualTo(snapshot);
            } finally {
                folders.forEach(folder -> folder.toFile().setWritable(true));
            }
        }
    }

    @Nested
    class Connections {
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
        @CsvSource({"http://127.0.0.1:1, no connection to 127.0.0.1", "http://nowhere.invalid, the name nowhere.invalid"
        })
        void toNobodyEndInOneSentenceAtOnce(String endpoint, String message) {
            environment.put("HF_ENDPOINT", endpoint);
            assertThat(failure())
                    .hasMessageContainingAll("cannot fetch ann/tiny: " + message, "HF_ENDPOINT", "https_proxy")
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

    @Nested
    class Strangers {
        @ParameterizedTest
        @ValueSource(strings = {"../../evil", "/etc/evil", "a/../../evil", "a\\\\..\\\\evil", "a//b", "", "a\\u0000b"})
        void cannotNameFilesElsewhere(String file) throws IOException {
            fake.repository(NAME).listing =
                    json -> json.replace("\"rfilename\": \"README.md\"", "\"rfilename\": \"" + file + "\"");
            assertThat(failure())
                    .hasMessageContainingAll("lists a file called", "which could lead out of its folder")
                    .extracting(HubException::reason)
                    .isEqualTo(Reason.BROKEN_ANSWER);
            assertThat(cache()).doesNotExist();
        }

        @ParameterizedTest
        @ValueSource(
                strings = {"../../../evil.safetensors", "/tmp/evil.safetensors", "..safetensors", "a/b.safetensors"})
        void cannotNameShardsElsewhere(String shard) throws IOException {
            FakeHub.Repository repository = fake.repository(NAME);
            repository.files.remove(WEIGHTS);
            repository.file("model.safetensors.index.json", "{\"weight_map\": {\"wte.weight\": \"" + shard + "\"}}");
            assertThat(catchThrowableOfType(BadCheckpointException.class, () -> get(NAME)))
                    .hasMessageContaining("a file of weights in the same folder");
            assertThat(fake.seen).noneMatch(request -> request.path().contains("evil"));
        }

        @ParameterizedTest
        @ValueSource(
                strings = {
                    "{}",
                    "[]",
                    "",
                    "<html>Sign in to the wireless network</html>",
                    "{\"sha\": 5, \"siblings\": []}",
                    "{\"sha\": \"../../../../evil\", \"siblings\": []}",
                    "{\"sha\": \"ABCDEF0123456789ABCDEF0123456789ABCDEF01\", \"siblings\": []}",
                    "{\"sha\": \"0123456789abcdef0123456789abcdef01234567\", \"siblings\": [{}]}",
                    "{\"sha\": \"0123456789abcdef0123456789abcdef01234567\", \"siblings\": 7}"
                })
        void thatAreNoHubAreTold(String answer) {
            fake.repository(NAME).listing = json -> answer;
            assertThat(failure())
                    .hasMessageContaining("no hub answers like this (check HF_ENDPOINT and the proxy)")
                    .extracting(HubException::reason)
                    .isEqualTo(Reason.BROKEN_ANSWER);
            assertThat(cache()).doesNotExist();
        }

        @Test
        void cannotFillTheMemoryWithAListing() {
            fake.repository(NAME).listing = json -> " ".repeat((1 << 24) + 1);
            assertThat(failure()).hasMessageContaining("sends more than 16777216 bytes");
        }

        @ParameterizedTest
        @CsvSource({
            "X-Linked-Etag, ../../../evil, has no checksum in its ETag",
            "X-Linked-Etag, '\"5f-abc\"', has no checksum in its ETag",
            "X-Repo-Commit, ../../evil, is of another commit",
            "X-Linked-Size, -5, comes without its size",
            "X-Linked-Size, 99999999999999999999, comes without its size",
        })
        void cannotAnnounceWhatNoHubDoes(String header, String value, String message) throws IOException {
            fake.hubFaults.add(exchange -> {
                boolean asked = exchange.getRequestURI().getPath().endsWith("/" + WEIGHTS);
                if (asked) {
                    exchange.getResponseHeaders().set("X-Repo-Commit", fake.repository(NAME).commit);
                    exchange.getResponseHeaders().set("X-Linked-Size", String.valueOf(weights.length));
                    exchange.getResponseHeaders().set("X-Linked-Etag", FakeHub.hex("SHA-256", weights));
                    exchange.getResponseHeaders().set(header, value);
                    FakeHub.redirect(exchange, fake.storeAddress() + "/" + NAME + "/" + WEIGHTS);
                }
                return asked;
            });
            assertThat(failure()).hasMessageContainingAll("model.safetensors of ann/tiny", message);
            assertNoWeights();
        }

        @ParameterizedTest
        @ValueSource(
                strings = {"file:///etc/passwd", "ftp://localhost/x", "jar:file:/x!/", "//", "http://[", "mailto:a@b"})
        void cannotRedirectToWhereNothingIsDownloadedFrom(String location) throws IOException {
            fake.hubFaults.add(always(WEIGHTS, exchange -> {
                FakeHub.refuse(redirecting(exchange, location), 302, "");
                return true;
            }));
            assertThat(failure()).hasMessageContaining("redirects to where nothing is downloaded from");
            assertNoWeights();
        }

        private static HttpExchange redirecting(HttpExchange exchange, String location) {
            exchange.getResponseHeaders().set("Location", location);
            return exchange;
        }

        @Test
        void cannotRedirectForEver() throws IOException {
            fake.hubFaults.add(exchange -> {
                FakeHub.redirect(exchange, exchange.getRequestURI().getPath());
                return true;
            });
            assertThat(failure()).hasMessageContaining("is redirected more than 8 times");
            assertThat(fake.seen).hasSize(9);
        }

        @Test
        void doNotSeeTheToken() throws IOException {
            environment.put("HF_TOKEN", TOKEN + "\n");
            assertRight(get(NAME));
            assertThat(fake.seen)
                    .filteredOn(FakeHub.Seen::store)
                    .isNotEmpty()
                    .allMatch(request -> request.token().isEmpty());
            assertThat(fake.seen)
                    .filteredOn(request -> !request.store())
                    .allMatch(request -> request.token().equals(Optional.of("Bearer " + TOKEN)));
            assertThat(notes).noneMatch(note -> note.contains(TOKEN));
        }

        @Test
        void withinTheHubAreFollowedWithTheToken() throws IOException {
            environment.put("HF_TOKEN", TOKEN);
            fake.hubFaults.add(exchange -> {
                String path = exchange.getRequestURI().getRawPath();
                boolean moved = path.contains("ann/former");
                if (moved) {
                    FakeHub.redirect(exchange, path.replace("ann/former", NAME));
                }
                return moved;
            });
            Snapshot snapshot = get("ann/former");
            assertThat(snapshot.repository()).isEqualTo("ann/former");
            assertThat(snapshot.folder().resolve(WEIGHTS)).hasBinaryContent(weights);
            assertThat(fake.seen)
                    .filteredOn(request -> !request.store())
                    .allMatch(request -> request.token().isPresent());
        }
    }

    @Nested
    class TwoAtOnce {
        @Test
        void fetchOnce() throws Exception {
            fake.storeFaults.add(first(1, WEIGHTS, exchange -> {
                try {
                    Thread.sleep(300);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                return false;
            }));
            try (var threads = Executors.newFixedThreadPool(4)) {
                Callable<Snapshot> download =
                        () -> hub().get(HubName.parse(NAME).orElseThrow(), HubListener.SILENT);
                for (var result : threads.invokeAll(List.of(download, download, download, download))) {
                    assertRight(result.get());
                }
            }
            assertThat(fake.seen).filteredOn(FakeHub.Seen::store).hasSize(1);
        }

        @Test
        void fetchOnceFromProcesses() throws Exception {
            fake.storeFaults.add(first(1, WEIGHTS, exchange -> {
                try {
                    Thread.sleep(1500);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                return false;
            }));
            List<Process> processes = List.of(process(), process());
            for (Process process : processes) {
                String output = new String(process.getInputStream().readAllBytes(), UTF_8);
                assertThat(process.waitFor()).as(output).isZero();
            }
            assertThat(fake.seen).filteredOn(FakeHub.Seen::store).hasSize(1);
            assertRight(get(NAME));
        }

        private Process process() throws IOException {
            ProcessBuilder builder = new ProcessBuilder(
                            Path.of(System.getProperty("java.home"), "bin", "java")
                                    .toString(),
                            "-XX:TieredStopAtLevel=1",
                            "-XX:+UseSerialGC",
                            "-cp",
                            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                            OneDownload.class.getName(),
                            NAME)
                    .redirectErrorStream(true);
            builder.environment().putAll(environment);
            return builder.start();
        }
    }

    /** A program that downloads a model. */
    static final class OneDownload {
        public static void main(String[] names) {
            Hub.of(HubSettings.of(System.getenv())).get(HubName.parse(names[0]).orElseThrow(), HubListener.SILENT);
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
