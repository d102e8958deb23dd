package dev.hyaline.weights.internal.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.hyaline.weights.hub.HubException;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Where redirects may lead, as far as it takes certificates to try; the rest is tested against a server. */
class WireTest {
    private static URI target(String from, String location) {
        HttpHeaders headers = HttpHeaders.of(Map.of("Location", List.of(location)), (name, value) -> true);
        return Wire.target(new Answer(URI.create(from), 302, headers, new BodyChunks(), Duration.ZERO));
    }

    @ParameterizedTest
    @CsvSource({
        "https://hub.example/a/b, /c, https://hub.example/c",
        "https://hub.example/a/b, //store.example/c, https://store.example/c",
        "https://hub.example/a, HTTPS://store.example/c?x=1, HTTPS://store.example/c?x=1",
        "http://hub.example/a, https://store.example/c, https://store.example/c",
        "http://hub.example/a, http://store.example/c, http://store.example/c",
    })
    void leadToServers(String from, String location, String target) {
        assertThat(target(from, location)).hasToString(target);
    }

    @ParameterizedTest
    @CsvSource({
        "https://hub.example/a, http://store.example/c?signature=s3cret",
        "https://hub.example/a, http://hub.example/a",
        "https://hub.example/a, file:///etc/passwd",
        "http://hub.example/a, data:text/plain;x",
        "http://hub.example/a, http:/no-host",
    })
    void leadFromNoSecureConnectionToAnother(String from, String location) {
        assertThatExceptionOfType(HubException.class)
                .isThrownBy(() -> target(from, location))
                .withMessageContaining("hub.example redirects to where nothing is downloaded from")
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("s3cret"));
    }
}
