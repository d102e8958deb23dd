package dev.hyaline.weights.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.HttpExchange;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.weights.hub.HubException.Reason;
import java.io.IOException;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a server says may harm nothing outside the cache, and it learns nothing. */
class HubStrangersTest extends HubFixture {
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
    @ValueSource(strings = {"../../../evil.safetensors", "/tmp/evil.safetensors", "..safetensors", "a/b.safetensors"})
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
    @ValueSource(strings = {"file:///etc/passwd", "ftp://localhost/x", "jar:file:/x!/", "//", "http://[", "mailto:a@b"})
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
