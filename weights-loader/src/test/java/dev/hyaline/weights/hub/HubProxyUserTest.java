package dev.hyaline.weights.hub;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/** Java sends a user and password to a proxy for https only where the environment names them. */
@Isolated("changes a property that every connection of this JVM reads")
final class HubProxyUserTest {
    private static final String DISABLED_SCHEMES = "jdk.http.auth.tunneling.disabledSchemes";

    private String before;

    @BeforeEach
    void clear() {
        before = System.clearProperty(DISABLED_SCHEMES);
    }

    @AfterEach
    void restore() {
        System.clearProperty(DISABLED_SCHEMES);
        if (before != null) {
            System.setProperty(DISABLED_SCHEMES, before);
        }
    }

    private static void settings(Map<String, String> environment) {
        Hub.of(HubSettings.of(environment));
    }

    @Test
    void aProxyWithoutAUserChangesNothing() {
        settings(Map.of());
        settings(Map.of("https_proxy", "http://proxy.example:3128"));
        settings(Map.of("http_proxy", "http://user:secret@proxy.example:3128"));
        assertThat(System.getProperty(DISABLED_SCHEMES)).isNull();
    }

    @Test
    void aUserInTheProxysAddressIsSent() {
        settings(Map.of("https_proxy", "http://user:secret@proxy.example:3128"));
        assertThat(System.getProperty(DISABLED_SCHEMES)).isEmpty();
    }

    @Test
    void whatTheUserOfJavaHasChosenStays() {
        System.setProperty(DISABLED_SCHEMES, "Basic");
        settings(Map.of("https_proxy", "http://user:secret@proxy.example:3128"));
        assertThat(System.getProperty(DISABLED_SCHEMES)).isEqualTo("Basic");
    }
}
