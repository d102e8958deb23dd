package dev.hyaline.weights.internal.hub;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.weights.hub.HubSettings;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which proxy an address is reached through. */
class ProxyingTest {
    /** Host and port of the proxy, or {@code directly}. */
    private static String select(Map<String, String> environment, String target) {
        List<Proxy> proxies = Proxying.of(HubSettings.of(environment).proxies())
                .orElseThrow()
                .selector()
                .select(URI.create(target));
        assertThat(proxies).hasSize(1);
        return proxies.getFirst().address() instanceof InetSocketAddress address
                ? address.getHostString() + ":" + address.getPort()
                : "directly";
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "hub.example | true",
                ".example | true",
                "other, EXAMPLE | true",
                "other hub.example | true",
                "* | true",
                "*.example | true",
                "hub.example:8080 | true",
                "hub.example:80 | false",
                "ub.example | false",
                "hub | false",
                "example.hub | false",
                "a.hub.example | false",
                ". | false",
            })
    void exceptionsAreReachedDirectly(String exceptions, boolean direct) {
        assertThat(select(Map.of("http_proxy", "proxy:3128", "no_proxy", exceptions), "http://Hub.Example:8080/x"))
                .isEqualTo(direct ? "directly" : "proxy:3128");
    }

    @Test
    void eachSchemeHasItsOwn() {
        Map<String, String> environment = Map.of("https_proxy", "http://secure");
        assertThat(select(environment, "https://hub.example")).isEqualTo("secure:80");
        assertThat(select(environment, "http://hub.example")).isEqualTo("directly");
    }

    @Test
    void whereNoneIsNamedJavaDecides() {
        assertThat(Proxying.of(HubSettings.of(Map.of("no_proxy", "hub.example")).proxies()))
                .isEmpty();
    }
}
