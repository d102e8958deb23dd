package dev.hyaline.weights.hub;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.TinyCheckpoint;
import dev.hyaline.weights.hub.HubException.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The cache that downloads make, and what is found in it. */
class HubCacheTest extends HubFixture {
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
    class Refreshing {
        private Snapshot refresh(String name) {
            return hub().refresh(HubName.parse(name).orElseThrow(), listener);
        }

        @Test
        void bringsTheCommitThatABranchHasMovedTo() throws IOException {
            Snapshot before = get(NAME);
            fake.repository(NAME).file("README.md", "# Tiny, edited").commit("second");
            fake.seen.clear();
            assertThat(get(NAME)).as("without being asked, the cache decides").isEqualTo(before);
            assertThat(fake.seen).isEmpty();

            Snapshot now = refresh(NAME);
            assertThat(now.commit()).isEqualTo(fake.repository(NAME).commit).isNotEqualTo(before.commit());
            assertThat(now.revisions()).containsExactly("main");
            assertThat(now.folder().resolve("README.md")).hasContent("# Tiny, edited");
            assertThat(before.folder().resolve("README.md")).hasContent("# Tiny");
            assertThat(fake.gets(WEIGHTS)).as("their content is here already").isEmpty();
            assertThat(notes)
                    .containsExactly("main of ann/tiny has moved from " + before.commit() + " to " + now.commit());
            assertThat(get(NAME)).isEqualTo(now);
            assertThat(get(NAME + "@" + before.commit()).commit()).isEqualTo(before.commit());
            assertRight(now);
        }

        @Test
        void ofABranchThatStayedAsksOnce() {
            Snapshot before = get(NAME);
            fake.seen.clear();
            assertThat(refresh(NAME)).isEqualTo(before);
            assertThat(fake.seen).hasSize(1);
            assertThat(notes).isEmpty();
        }

        @Test
        void ofWhatIsNotThereDownloadsIt() throws IOException {
            assertRight(refresh(NAME));
        }

        @Test
        void thatFailsLeavesTheCacheAsItWas() throws IOException {
            Snapshot before = get(NAME);
            fake.repository(NAME).file(WEIGHTS, "other weights").commit("second");
            fake.storeFaults.add(always(WEIGHTS, sends(new byte[13])));
            assertThatThrownBy(() -> refresh(NAME)).isInstanceOf(HubException.class);
            assertThat(get(NAME)).isEqualTo(before);
            assertRight(before);
            environment.put("HF_HUB_OFFLINE", "1");
            assertThatThrownBy(() -> refresh(NAME))
                    .isInstanceOf(HubException.class)
                    .hasMessage("HF_HUB_OFFLINE forbids to ask the hub what ann/tiny means now; unset that, or"
                            + " call get instead of refresh");
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
}
