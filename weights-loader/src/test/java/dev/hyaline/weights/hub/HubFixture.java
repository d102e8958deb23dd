package dev.hyaline.weights.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.HttpExchange;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.TinyCheckpoint;
import dev.hyaline.weights.TinyTokenizer;
import dev.hyaline.weights.hub.FakeHub.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A hub with one small model, an empty cache, and what the tests of downloads ask of both. */
class HubFixture {
    static final String NAME = "ann/tiny";
    static final String WEIGHTS = "model.safetensors";
    static final String TOKEN = "hf_secretsecret";

    @TempDir
    Path temporary;

    final FakeHub fake = new FakeHub();
    final Map<String, String> environment = new HashMap<>();
    final List<String> notes = new ArrayList<>();
    byte[] weights;
    long total;
    long advanced;

    final HubListener listener = new HubListener() {
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

    Path cache() {
        return temporary.resolve("cache");
    }

    Hub hub() {
        return Hub.of(HubSettings.of(environment).withPause(Duration.ofMillis(1)));
    }

    Snapshot get(String name) {
        return hub().get(HubName.parse(name).orElseThrow(), listener);
    }

    HubException failure() {
        return failure(NAME);
    }

    HubException failure(String name) {
        HubException failure = catchThrowableOfType(HubException.class, () -> get(name));
        assertThat(failure).as("failure").isNotNull();
        assertThat(failure.getMessage()).doesNotContain("s3cret", TOKEN, "\n").hasSizeLessThan(600);
        return failure;
    }

    Path repositoryFolder() {
        return cache().resolve("models--ann--tiny");
    }

    Path blob() {
        return repositoryFolder().resolve("blobs").resolve(FakeHub.hex("SHA-256", weights));
    }

    Path partial() {
        return blob().resolveSibling(blob().getFileName() + ".hyaline.incomplete");
    }

    void assertRight(Snapshot snapshot) throws IOException {
        assertThat(snapshot.folder().resolve(WEIGHTS)).hasBinaryContent(weights);
        assertThat(partial()).doesNotExist();
        try (Checkpoint checkpoint = Checkpoint.open(snapshot)) {
            assertThat(checkpoint.name()).isEqualTo(NAME);
            assertThat(checkpoint.weights()).isNotNull();
        }
        assertNothingWrong();
    }

    /** Whatever stands under a checksum has it. */
    void assertNothingWrong() throws IOException {
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

    void assertNoWeights() throws IOException {
        assertThat(blob()).doesNotExist();
        assertThat(hub().cached(HubName.parse(NAME).orElseThrow())).isEmpty();
        assertThat(repositoryFolder().resolve("refs/main")).doesNotExist();
        assertNothingWrong();
    }

    /** A fault in the first answers about a file's content. */
    static Fault first(int times, String file, Fault fault) {
        AtomicInteger left = new AtomicInteger(times);
        return exchange -> exchange.getRequestMethod().equals("GET")
                && exchange.getRequestURI().getPath().endsWith("/" + file)
                && left.getAndDecrement() > 0
                && fault.answers(exchange);
    }

    static Fault always(String file, Fault fault) {
        return first(Integer.MAX_VALUE, file, fault);
    }

    static Fault status(int status, String errorCode) {
        return exchange -> {
            FakeHub.refuse(exchange, status, errorCode);
            return true;
        };
    }

    static Fault sends(byte[] content) {
        return exchange -> {
            FakeHub.body(exchange, content);
            return true;
        };
    }

    /** Announces all that is asked for, and closes the connection after a part. */
    Fault cutAfter(int bytes) {
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

    static int from(HttpExchange exchange) {
        String range = exchange.getRequestHeaders().getFirst("Range");
        return range == null ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
    }
}
