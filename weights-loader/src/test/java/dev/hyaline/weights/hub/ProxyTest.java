package dev.hyaline.weights.hub;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.hyaline.weights.hub.HubException.Reason;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The way through a proxy: one that takes a password, and then fetches nothing. */
class ProxyTest {
    @TempDir
    Path temporary;

    private final List<String> requests = new CopyOnWriteArrayList<>();
    private ServerSocket proxy;

    @BeforeEach
    void start() throws IOException {
        proxy = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(() -> {
            while (!proxy.isClosed()) {
                try (Socket socket = proxy.accept()) {
                    answer(socket);
                } catch (IOException e) {
                    // A client that went, or the end of the test.
                }
            }
        });
    }

    private void answer(Socket socket) throws IOException {
        BufferedReader reader = new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8));
        String request = reader.readLine();
        String credentials = "";
        for (String line = reader.readLine(); line != null && !line.isEmpty(); line = reader.readLine()) {
            if (line.startsWith("Proxy-Authorization: Basic ")) {
                credentials = new String(Base64.getDecoder().decode(line.substring(27)), UTF_8);
            }
        }
        requests.add(request + " by " + credentials);
        List<String> lines = credentials.equals("me:p@ss")
                ? List.of("HTTP/1.1 404 Not Found", "Content-Length: 0")
                : List.of(
                        "HTTP/1.1 407 Proxy Authentication Required",
                        "Proxy-Authenticate: Basic realm=x",
                        "Content-Length: 0",
                        "Connection: close");
        String answer = String.join("\r\n", lines) + "\r\n\r\n";
        socket.getOutputStream().write(answer.getBytes(UTF_8));
        socket.getOutputStream().flush();
    }

    @AfterEach
    void stop() throws IOException {
        proxy.close();
    }

    private HubException failure(String... variables) {
        Map<String, String> environment = new HashMap<>(Map.of(
                "HF_HUB_CACHE",
                temporary.toString(),
                "HF_HOME",
                temporary.toString(),
                "HF_HUB_DOWNLOAD_TIMEOUT",
                "10"));
        for (int i = 0; i < variables.length; i += 2) {
            environment.put(variables[i], variables[i + 1].replace("PORT", String.valueOf(proxy.getLocalPort())));
        }
        HubSettings settings = HubSettings.of(environment).withPause(Duration.ofMillis(1));
        return catchThrowableOfType(
                HubException.class,
                () -> Hub.of(settings).get(HubName.parse("ann/tiny").orElseThrow(), HubListener.SILENT));
    }

    @Test
    void isTakenWithItsPassword() {
        HubException failure =
                failure("HF_ENDPOINT", "http://hub.invalid", "http_proxy", "http://me:p%40ss@127.0.0.1:PORT");
        assertThat(failure).hasMessageContaining("hub.invalid answered 404");
        assertThat(requests)
                .last()
                .isEqualTo("GET http://hub.invalid/api/models/ann/tiny/revision/main HTTP/1.1 by me:p@ss");
    }

    @Test
    void isTakenForSecureConnectionsToo() {
        HubException failure = failure("HF_ENDPOINT", "https://hub.invalid", "https_proxy", "127.0.0.1:PORT");
        assertThat(requests).first().isEqualTo("CONNECT hub.invalid:443 HTTP/1.1 by ");
        assertThat(failure).hasMessageContaining("cannot fetch ann/tiny: ");
    }

    @Test
    void thatWantsAPasswordIsTold() {
        HubException failure = failure("HF_ENDPOINT", "http://hub.invalid", "http_proxy", "127.0.0.1:PORT");
        assertThat(failure)
                .hasMessageContaining("the proxy wants a user and a password")
                .extracting(HubException::reason)
                .isEqualTo(Reason.SETTING);
    }

    @Test
    void thatJavaCannotSpeakToIsRefusedAndNotPassedBy() {
        assertThat(failure("all_proxy", "socks5://me:hidden@127.0.0.1:PORT"))
                .hasMessageContaining("socks5://127.0.0.1")
                .hasMessageNotContaining("hidden");
        assertThat(requests).isEmpty();
    }
}
