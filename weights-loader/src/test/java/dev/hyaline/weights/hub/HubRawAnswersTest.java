package dev.hyaline.weights.hub;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Answers that no HTTP server's library would send. */
@Timeout(60)
class HubRawAnswersTest {
    @TempDir
    Path cache;

    private ServerSocket server;
    private volatile String answer = "";
    private volatile boolean trickles;

    @BeforeEach
    void listen() throws IOException {
        server = new ServerSocket(0, 8, InetAddress.getLoopbackAddress());
        Thread.ofPlatform().daemon().start(() -> {
            while (!server.isClosed()) {
                try (Socket socket = server.accept()) {
                    socket.getInputStream().read(new byte[4096]);
                    send(socket.getOutputStream());
                } catch (IOException | InterruptedException e) {
                    // The client has gone, or the test is over.
                }
            }
        });
    }

    @AfterEach
    void close() throws IOException {
        server.close();
    }

    private void send(OutputStream out) throws IOException, InterruptedException {
        out.write(answer.getBytes(ISO_8859_1));
        out.flush();
        while (trickles) {
            Thread.sleep(50);
            out.write(' ');
            out.flush();
        }
    }

    private HubException failure() {
        HubSettings settings = new HubSettings(
                URI.create("http://127.0.0.1:" + server.getLocalPort()),
                null,
                false,
                cache,
                true,
                Duration.ofMillis(500),
                Duration.ofMillis(1),
                new HubSettings.Proxies(Map.of(), List.of()));
        HubException[] failure = new HubException[1];
        assertThatExceptionOfType(HubException.class)
                .isThrownBy(() -> Hub.of(settings).get(HubName.parse("ann/tiny").orElseThrow(), new HubListener() {}))
                .satisfies(e -> failure[0] = e);
        return failure[0];
    }

    @ParameterizedTest
    @ValueSource(strings = {"99999999999999999999", "-1", "12x", "9223372036854775808"})
    void aLengthThatIsNoneIsOneSentence(String length) {
        answer = "HTTP/1.1 200 OK\r\nContent-Length: " + length + "\r\n\r\n{}";
        assertThat(failure().getMessage()).contains("127.0.0.1").doesNotContain("\n");
    }

    @Test
    void controlCharactersOfAStatusLineReachNoMessage() {
        answer = "HTTP/1.1 \u001b[31mred\u0007 OK\r\n\r\n";
        assertThat(failure().getMessage().chars()).noneMatch(Character::isISOControl);
    }

    @Test
    void aListingThatTricklesEnds() {
        answer = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{";
        trickles = true;
        assertThat(failure()).hasMessageContaining("did not end its answer within 2 s");
        trickles = false;
    }
}
