package dev.hyaline.explorer.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.explorer.data.ViewToken;
import dev.hyaline.explorer.live.RawHttp.Reply;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What strangers may not do, and what a page may. */
final class ExplorerServerTest {
    private static final String VIEW = "{\"view\": \"run\", \"tokens\": [1, 2, 3]}";

    private static Gpt2 model;
    private static ExplorerServer server;
    private static RawHttp http;

    /** Runs wait here while it is closed. */
    private static volatile CountDownLatch gate = new CountDownLatch(0);

    @BeforeAll
    static void start() {
        model = Gpt2.of(RandomModels.weights(RandomModels.SMALL, 1), 1);
        server = ExplorerServer.start(new ExploredModel("random", "", model, null, ExplorerServerTest::token), "", 0);
        http = new RawHttp(server);
    }

    private static ViewToken token(int id) {
        try {
            gate.await(20, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return ViewToken.of(id);
    }

    @AfterEach
    void open() {
        gate.countDown();
    }

    @AfterAll
    static void stop() {
        server.close();
        model.close();
    }

    @Test
    void theSecretIsInTheFragmentAloneAndNewEachTime() {
        assertThat(server.address().toString()).matches("http://127\\.0\\.0\\.1:\\d+/#token=[0-9a-f]{32}");
        try (ExplorerServer other =
                ExplorerServer.start(new ExploredModel("random", "", model, null, ViewToken::of), "", 0)) {
            assertThat(new RawHttp(other).token()).isNotEqualTo(http.token());
        }
    }

    @Test
    void itListensOnThisMachineAlone() throws IOException {
        for (NetworkInterface network : NetworkInterface.networkInterfaces().toList()) {
            for (InetAddress address : network.inetAddresses().toList()) {
                if (!address.isLoopbackAddress()) {
                    assertThatThrownBy(
                                    () -> new Socket(address, server.address().getPort()).close())
                            .isInstanceOf(IOException.class);
                }
            }
        }
        assertThatThrownBy(() -> new Socket(
                                InetAddress.ofLiteral("::1"), server.address().getPort())
                        .close())
                .isInstanceOf(IOException.class);
        assertThat(http.ask("GET /").status()).isEqualTo(200);
    }

    @Test
    void aPortThatIsTakenIsNamed() {
        ExploredModel explored = new ExploredModel("random", "", model, null, ViewToken::of);
        int port = server.address().getPort();
        assertThatThrownBy(() -> ExplorerServer.start(explored, "", port))
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining("port " + port + " of 127.0.0.1 is in use");
        assertThatThrownBy(() -> ExplorerServer.start(explored, "", 65_536))
                .isInstanceOf(BadInputException.class)
                .hasMessage("a port is from 0 to 65535, found 65536");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Host: evil.example",
                "Host: evil.example:PORT",
                "Host: 127.0.0.1",
                "Host: localhost",
                "Host: 127.0.0.1:1",
                "Host: [::1]:PORT",
                "Host: 127.0.0.1.evil.example:PORT",
                "Host: 0.0.0.0:PORT",
                "Host: LOCALHOST:PORT",
                "Host: 127.0.0.1:PORT, evil.example",
                "Host:"
            })
    void anotherHostIsMisdirected(String header) throws IOException {
        String host = header.replace("PORT", String.valueOf(server.address().getPort()));
        for (String path : List.of("/", "/page.css", "/api/1/model")) {
            Reply reply = http.ask("GET " + path, host, "X-Hyaline-Token: " + http.token());
            assertThat(reply.status()).isEqualTo(421);
            assertThat(reply.text()).contains("\"error\":\"this server answers requests to 127.0.0.1:");
        }
    }

    @Test
    void twoHostsOrNoneAreMisdirected() throws IOException {
        assertThat(http.ask("GET /", "Host: " + http.host(), "Host: " + http.host())
                        .status())
                .isEqualTo(421);
        assertThat(http.send("GET / HTTP/1.0\r\n\r\n").status()).isEqualTo(421);
        assertThat(http.ask("GET /", "Host: localhost:" + server.address().getPort())
                        .status())
                .isEqualTo(200);
    }

    @Test
    void anAbsoluteAddressIsRefused() throws IOException {
        assertThat(http.ask("GET http://evil.example/").status()).isEqualTo(400);
        assertThat(http.ask("GET http://" + http.host() + "/").status()).isEqualTo(400);
        assertThat(http.ask("GET //evil.example/").status()).isIn(400, 404);
        assertThat(http.ask("GET *").status()).isIn(0, 400, 404);
        assertThat(http.ask("CONNECT evil.example:443").status()).isIn(0, 400, 404, 405);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/../page.css",
                "/js/../page.css",
                "/js/../../../../etc/passwd",
                "/%2e%2e/page.css",
                "/js%2fpage.js",
                "/js/..%2f..%2fpom.xml",
                "/js/",
                "/js",
                "/page.css/",
                "//page.css",
                "/page.css%00",
                "/Page.class",
                "/js/page.js/../data.js",
                "/META-INF/MANIFEST.MF",
                "/index.html",
                "/page.css;a=b",
                "/\\page.css"
            })
    void onlyFilesOfTheListAreSent(String path) throws IOException {
        Reply reply = http.ask("GET " + path);
        assertThat(reply.status()).isIn(400, 404);
        assertThat(reply.text()).doesNotContain("color-scheme");
    }

    @Test
    void filesOfTheListAreSentWithTheirTypes() throws IOException {
        assertThat(http.ask("GET /").header("content-type")).isEqualTo("text/html; charset=utf-8");
        assertThat(http.ask("GET /page.css").header("content-type")).isEqualTo("text/css; charset=utf-8");
        assertThat(http.ask("GET /js/page.js").header("content-type")).isEqualTo("text/javascript; charset=utf-8");
        assertThat(http.ask("GET /js/page.js?x=1").status()).isEqualTo(200);
        assertThat(http.ask("HEAD /page.css").body()).isEmpty();
        assertThat(http.ask("POST /page.css", "Content-Length: 0").status()).isEqualTo(405);
        assertThat(http.ask("PUT /").header("allow")).isEqualTo("get, head");
    }

    @Test
    void everyAnswerKeepsThePageToItself() throws IOException {
        for (Reply reply : List.of(
                http.ask("GET /"),
                http.ask("GET /js/page.js"),
                http.ask("GET /nothing"),
                http.api("GET", "model"),
                http.ask("GET /api/1/model"),
                http.ask("GET /", "Host: evil.example"))) {
            assertThat(reply.header("content-security-policy"))
                    .isEqualTo("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
                            + " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
            assertThat(reply.header("x-content-type-options")).isEqualTo("nosniff");
            assertThat(reply.header("referrer-policy")).isEqualTo("no-referrer");
            assertThat(reply.header("cross-origin-resource-policy")).isEqualTo("same-origin");
            assertThat(reply.header("cache-control")).isEqualTo("no-store");
            assertThat(reply.head()).doesNotContain("access-control", "set-cookie");
        }
    }

    @Test
    void theApiNeedsTheSecret() throws IOException {
        String token = http.token();
        String wrong = (token.charAt(31) == '0' ? "1" : "0") + token.substring(1);
        for (String path : List.of("/api/1/model", "/api/1/presence", "/api/1/jobs/1", "/api/", "/api/2/model")) {
            assertThat(http.ask("GET " + path).status()).isEqualTo(401);
            for (String sent : List.of(
                    "",
                    "x",
                    wrong.equals(token) ? "f" + token : wrong,
                    token + "0",
                    token.substring(1),
                    token + "," + token)) {
                assertThat(http.ask("GET " + path, "X-Hyaline-Token: " + sent).status())
                        .isEqualTo(401);
            }
            assertThat(http.ask("GET " + path, "X-Hyaline-Token: " + token, "X-Hyaline-Token: " + token)
                            .status())
                    .isEqualTo(401);
            assertThat(http.ask("GET " + path + "?token=" + token, "Cookie: token=" + token)
                            .status())
                    .isEqualTo(401);
        }
        assertThat(http.ask("GET /api/1/model", "x-hyaline-token: " + token).status())
                .isEqualTo(200);
    }

    @Test
    void preflightsAreRefused() throws IOException {
        for (String path : List.of("/", "/page.css", "/api/1/view", "*")) {
            Reply reply = http.ask(
                    "OPTIONS " + path,
                    "Origin: https://evil.example",
                    "Access-Control-Request-Method: POST",
                    "Access-Control-Request-Headers: x-hyaline-token",
                    "Access-Control-Request-Private-Network: true");
            assertThat(reply.status()).isIn(403, path.equals("*") ? 404 : 403);
            assertThat(reply.head()).doesNotContain("access-control");
        }
        assertThat(http.api("OPTIONS", "view", "Origin: http://" + http.host()).status())
                .isEqualTo(403);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "Origin: https://evil.example", "Origin: null", "Origin: https://127.0.0.1:PORT",
                        "Origin: http://127.0.0.1",
                "Origin: http://127.0.0.1:1", "Origin: http://localhost:PORT", "Origin:", "Sec-Fetch-Site: cross-site",
                "Sec-Fetch-Site: same-site", "Sec-Fetch-Site: none", "Sec-Fetch-Site: nonsense", "Sec-Fetch-Site:"
            })
    void otherSitesAreRefused(String header) throws IOException {
        String sent = header.replace("PORT", String.valueOf(server.address().getPort()));
        assertThat(http.api("GET", "model", sent).status()).isEqualTo(403);
        assertThat(http.post("view", VIEW, sent).status()).isEqualTo(403);
        assertThat(http.ask("GET /page.css", sent).status()).isEqualTo(403);
        assertThat(http.ask("GET /js/page.js", sent, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
                        .status())
                .isEqualTo(403);
    }

    @ParameterizedTest
    @CsvSource({
        "none, navigate, document, 200",
        "cross-site, navigate, document, 200",
        "cross-site, navigate, iframe, 403",
        "cross-site, no-cors, document, 403",
        "cross-site, no-cors, script, 403",
        "same-origin, cors, empty, 200"
    })
    void onlyTheEmptyPageIsOpenedFromElsewhere(String site, String mode, String destination, int status)
            throws IOException {
        assertThat(http.ask(
                                "GET /",
                                "Sec-Fetch-Site: " + site,
                                "Sec-Fetch-Mode: " + mode,
                                "Sec-Fetch-Dest: " + destination)
                        .status())
                .isEqualTo(status);
    }

    @Test
    void ourOwnPageIsAnswered() throws IOException {
        Reply reply = http.post(
                "view", VIEW, "Origin: http://" + http.host(), "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors");
        assertThat(reply.status()).isEqualTo(200);
        assertThat(reply.header("content-type")).isEqualTo("application/vnd.hyaline.view");
        Reply about = http.api("GET", "model");
        assertThat(about.text()).contains("\"model\":\"random\"", "\"layers\":3", "\"views\":[", "\"attn.hook_z\"");
    }

    @Test
    void aHugeHeaderIsRefused() throws IOException {
        assertThat(http.ask("GET /", "X-Long: " + "a".repeat(200_000)).status()).isNotEqualTo(200);
        String[] many = new String[500];
        for (int i = 0; i < many.length; i++) {
            many[i] = "X-Many-" + i + ": 1";
        }
        assertThat(http.ask("GET /", many).status()).isNotEqualTo(200);
        assertThat(http.ask("GET /" + "a".repeat(200_000)).status()).isNotEqualTo(200);
        assertThat(http.ask("GET /").status()).isEqualTo(200);
    }

    @Test
    void aBodyThatDoesNotComeEnds() throws IOException {
        try (ExplorerServer impatient = ExplorerServer.start(
                new ExploredModel("random", "", model, null, ViewToken::of), "", 0, Duration.ofMillis(400))) {
            RawHttp hasty = new RawHttp(impatient);
            String request = hasty.postRequest("view", VIEW);
            try (Socket socket = hasty.connect()) {
                socket.getOutputStream()
                        .write(request.substring(0, request.length() - 5).getBytes(StandardCharsets.US_ASCII));
                socket.getOutputStream().flush();
                assertThat(RawHttp.read(socket).status()).isNotEqualTo(200);
            }
            assertThat(hasty.ask("GET /").status()).isEqualTo(200);
        }
    }

    @Test
    void aLargeBodyIsRefused() throws IOException {
        String large = "{\"view\": \"" + "a".repeat(1 << 20) + "\"}";
        assertThat(http.post("view", large).status()).isIn(413, 0);
        assertThat(http.ask(
                                "POST /api/1/view",
                                "X-Hyaline-Token: " + http.token(),
                                "Content-Type: application/json",
                                "Content-Length: 2000000")
                        .status())
                .isEqualTo(413);
        String chunk = "10000\r\n" + "a".repeat(1 << 16) + "\r\n";
        Reply chunked = http.send(http.request(
                        "POST /api/1/view",
                        "X-Hyaline-Token: " + http.token(),
                        "Content-Type: application/json",
                        "Transfer-Encoding: chunked")
                + chunk.repeat(17) + "0\r\n\r\n");
        assertThat(chunked.status()).isIn(413, 0);
    }

    @Test
    void aBodyIsJson() throws IOException {
        Reply form = http.send(http.postRequest("view", VIEW).replace("application/json", "text/plain"));
        assertThat(form.status()).isEqualTo(415);
        assertThat(http.post("view", "").status()).isEqualTo(400);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "[] | a JSON object",
                "{\"view\": \"run\" | valid JSON",
                "{\"view\": \"run\", \"view\": \"run\", \"tokens\": [1]} | for the second time",
                "{\"tokens\": [1]} | a key view",
                "{\"view\": 1, \"tokens\": [1]} | view to be a string",
                "{\"view\": \"../../etc/passwd\", \"tokens\": [1]} | there is no view",
                "{\"view\": \"run\"} | either",
                "{\"view\": \"run\", \"tokens\": [1], \"prompt\": \"a\"} | either",
                "{\"view\": \"run\", \"prompt\": \"a\"} | has no tokenizer",
                "{\"view\": \"run\", \"tokens\": []} | the prompt is empty",
                "{\"view\": \"run\", \"tokens\": [61]} | an integer from 0 to 60",
                "{\"view\": \"run\", \"tokens\": [-1]} | an integer from 0 to 60",
                "{\"view\": \"run\", \"tokens\": 5} | an array",
                "{\"view\": \"run\", \"tokens\": [1], \"file\": \"x\"} | has no option",
                "{\"view\": \"run\", \"tokens\": [1], \"position\": 1} | position to be an integer from -1 to 0",
                "{\"view\": \"run\", \"tokens\": [1], \"top\": 0} | top to be an integer from 1 to 61",
                "{\"view\": \"run\", \"tokens\": [1], \"head\": [3, 0]} | head[0] to be an integer from 0 to 2",
                "{\"view\": \"run\", \"tokens\": [1], \"head\": [1]} | a layer and a head",
                "{\"view\": \"run\", \"tokens\": [1], \"compare\": [1, 2, 3]} | two tokens",
                "{\"view\": \"run\", \"tokens\": [1], \"compare\": [1, 99]} | an integer from 0 to 60",
                "{\"view\": \"run\", \"tokens\": [1], \"edits\": {}} | format",
            })
    void aBadRequestIsOneSentence(String json, String message) throws IOException {
        Reply reply = http.post("view", json);
        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.text()).startsWith("{\"error\":\"").doesNotContain("Exception", "\\tat ");
        assertThat(reply.text().replace("\\\"", "\"")).contains(message);
    }

    @Test
    void deepJsonIsRefused() throws IOException {
        Reply reply = http.post("view", "{\"view\": \"run\", \"tokens\": " + "[".repeat(1000) + "]".repeat(1000) + "}");
        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.text()).contains("depth");
        assertThat(http.post("view", "[".repeat(900_000)).status()).isEqualTo(400);
    }

    @Test
    void aLongPromptIsRefused() throws IOException {
        String tokens = "1,".repeat(RandomModels.SMALL.nCtx()) + "1";
        Reply reply = http.post("view", "{\"view\": \"run\", \"tokens\": [" + tokens + "]}");
        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.text())
                .contains("the prompt has " + (RandomModels.SMALL.nCtx() + 1) + " tokens, but the model has "
                        + RandomModels.SMALL.nCtx() + " positions");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"do\": \"patch\", \"site\": \"z\", \"source\": {\"dump\": \"/etc\"}}",
                "{\"do\": \"add\", \"site\": \"resid_pre\", \"vector\": {\"file\": \"/etc/passwd\", \"tensor\":"
                        + " \"v\"}}",
                "{\"do\": \"project_out\", \"site\": \"resid_pre\", \"directions\": [{\"file\": \"x\", \"tensor\":"
                        + " \"v\"}]}",
                "{\"do\": \"zero\", \"site\": \"mlp_out\", \"subspace\": [{\"file\": \"x\", \"tensor\": \"v\"}]}"
            })
    void editsReadNoFiles(String edit) throws IOException {
        Reply reply = http.post(
                "view",
                "{\"view\": \"run\", \"tokens\": [1, 2], \"edits\": {\"format\": \"hyaline-interventions/1\","
                        + " \"interventions\": [" + edit + "]}}");
        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.text()).contains("edits of a page read no files");
    }

    @Test
    void oneRunIsGoingAndEightMayWait() throws IOException {
        gate = new CountDownLatch(1);
        List<String> jobs = new ArrayList<>();
        for (int i = 0; i < 9; i++) {
            Reply reply = http.post("sweep", VIEW);
            assertThat(reply.status()).isEqualTo(202);
            jobs.add(job(reply));
        }
        Reply refused = http.post("sweep", VIEW);
        assertThat(refused.status()).isEqualTo(429);
        assertThat(refused.text()).contains("8 runs wait already");
        assertThat(http.post("view", VIEW).status()).isEqualTo(429);
        // One that leaves makes room for one.
        assertThat(http.api("DELETE", "jobs/" + jobs.getLast()).status()).isEqualTo(200);
        assertThat(http.post("sweep", VIEW).status()).isEqualTo(202);
        assertThat(http.post("sweep", VIEW).status()).isEqualTo(429);
        gate.countDown();
        Reply events = http.api("GET", "jobs/" + jobs.get(7) + "/events");
        assertThat(events.text()).contains("\"ended\":true");
        assertThat(http.api("GET", "jobs/" + jobs.get(7)).status()).isEqualTo(200);
        Reply cancelled = http.api("GET", "jobs/" + jobs.getLast());
        assertThat(cancelled.status()).isIn(404, 409);
        assertThat(http.post("view", VIEW).status()).isEqualTo(200);
    }

    private static String job(Reply reply) {
        return reply.text().replaceAll("\\D", "");
    }

    @Test
    void aJobCanBeCancelledWhileItRuns() throws IOException {
        gate = new CountDownLatch(1);
        String job = job(http.post("sweep", VIEW));
        assertThat(http.api("GET", "jobs/" + job).text()).contains("the job has not ended");
        assertThat(http.api("DELETE", "jobs/" + job).status()).isEqualTo(200);
        assertThat(http.api("GET", "jobs/" + job + "/events").text()).contains("\"ended\":true");
        assertThat(http.api("GET", "jobs/" + job).text()).contains("the run was cancelled");
        assertThat(http.api("GET", "jobs/999999").status()).isEqualTo(404);
        assertThat(http.api("PUT", "jobs/" + job).status()).isEqualTo(405);
    }

    @Test
    void aRunEndsWithItsPage() throws IOException, InterruptedException {
        gate = new CountDownLatch(1);
        String page = "X-Hyaline-Page: abc123";
        String job;
        try (Socket presence = http.connect()) {
            presence.getOutputStream()
                    .write(http.request("GET /api/1/presence", page, "X-Hyaline-Token: " + http.token())
                            .getBytes(StandardCharsets.US_ASCII));
            InputStream in = presence.getInputStream();
            assertThat(in.readNBytes(12)).startsWith("HTTP/1.1 200".getBytes(StandardCharsets.US_ASCII));
            job = job(http.post("sweep", VIEW, page));
            assertThat(http.api("GET", "jobs/" + job).text()).contains("the job has not ended");
        }
        String state = "";
        for (int i = 0; i < 600 && !state.contains("cancelled"); i++) {
            Thread.sleep(50);
            state = http.api("GET", "jobs/" + job).text();
        }
        assertThat(state).contains("the run was cancelled");
        assertThat(http.api("GET", "presence", "X-Hyaline-Page: <b>").status()).isEqualTo(400);
    }

    @Test
    void aJobEndsWithItsListener() throws IOException, InterruptedException {
        gate = new CountDownLatch(1);
        String job = job(http.post("sweep", VIEW));
        try (Socket events = http.connect()) {
            events.getOutputStream()
                    .write(http.request("GET /api/1/jobs/" + job + "/events", "X-Hyaline-Token: " + http.token())
                            .getBytes(StandardCharsets.US_ASCII));
            assertThat(events.getInputStream().readNBytes(12))
                    .startsWith("HTTP/1.1 200".getBytes(StandardCharsets.US_ASCII));
        }
        String state = "";
        for (int i = 0; i < 600 && !state.contains("cancelled"); i++) {
            Thread.sleep(50);
            state = http.api("GET", "jobs/" + job).text();
        }
        assertThat(state).contains("the run was cancelled");
    }
}
