package dev.hyaline.explorer;

import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import tools.jackson.core.JsonGenerator;

/**
 * Debian's Chromium without a window, spoken to by its DevTools protocol. It resolves no host's name. It has one tab,
 * whose console, errors and requests it keeps.
 */
final class Browser implements AutoCloseable {
    private static final List<Path> PLACES =
            List.of(Path.of("/usr/bin/chromium"), Path.of("/usr/bin/chromium-browser"));
    private static final int SECONDS = 60;

    private final Process process;
    private final Path profile;
    private final WebSocket socket;
    private final BlockingQueue<Json> answers = new LinkedBlockingQueue<>();
    private final List<String> complaints = new ArrayList<>();
    private final List<String> requests = new ArrayList<>();
    private final StringBuilder message = new StringBuilder();
    private int calls;
    private String session = "";

    private Browser(Process process, Path profile, URI address) {
        this.process = process;
        this.profile = profile;
        socket = HttpClient.newHttpClient()
                .newWebSocketBuilder()
                .buildAsync(address, new WebSocket.Listener() {
                    @Override
                    public CompletionStage<?> onText(WebSocket from, CharSequence text, boolean last) {
                        hear(text, last);
                        from.request(1);
                        return null;
                    }
                })
                .join();
    }

    static boolean isThere() {
        return PLACES.stream().anyMatch(Files::isExecutable);
    }

    static Browser start() throws IOException, InterruptedException {
        Path program = PLACES.stream().filter(Files::isExecutable).findFirst().orElseThrow();
        Path profile = Files.createTempDirectory("hyaline-chromium");
        Process process = new ProcessBuilder(
                        program.toString(),
                        "--headless",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--disable-dev-shm-usage",
                        "--no-first-run",
                        "--disable-extensions",
                        "--disable-background-networking",
                        "--hide-scrollbars",
                        "--host-resolver-rules=MAP * ~NOTFOUND",
                        "--user-data-dir=" + profile,
                        "--remote-debugging-port=0",
                        "about:blank")
                .redirectErrorStream(true)
                .start();
        BufferedReader said = process.inputReader();
        String line = said.readLine();
        while (line != null && !line.startsWith("DevTools listening on ")) {
            line = said.readLine();
        }
        if (line == null) {
            throw new IOException("Chromium did not start");
        }
        // It says more on and on, and must not wait for a reader.
        Thread.ofVirtual().start(() -> said.lines().forEach(more -> {}));
        Browser browser = new Browser(process, profile, URI.create(line.substring(line.indexOf("ws://"))));
        browser.openTab();
        return browser;
    }

    private void openTab() throws InterruptedException {
        String target = call("Target.createTarget", json -> json.writeStringProperty("url", "about:blank"))
                .require("targetId")
                .string();
        session = call("Target.attachToTarget", json -> {
                    json.writeStringProperty("targetId", target);
                    json.writeBooleanProperty("flatten", true);
                })
                .require("sessionId")
                .string();
        for (String domain : List.of("Page", "Runtime", "Log", "Network")) {
            call(domain + ".enable", json -> {});
        }
    }

    private void hear(CharSequence text, boolean last) {
        message.append(text);
        if (!last) {
            return;
        }
        Json heard = Json.readObject(
                InputErrors.INSTANCE, "DevTools", message.toString().getBytes(StandardCharsets.UTF_8));
        message.setLength(0);
        String method = heard.get("method").map(Json::string).orElse("");
        switch (method) {
            case "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded" ->
                complaints.add(heard.require("params").toString());
            case "Network.requestWillBeSent" ->
                requests.add(heard.require("params")
                        .require("request")
                        .require("url")
                        .string());
            default -> {
                if (method.isEmpty() || method.equals("Page.loadEventFired")) {
                    answers.add(heard);
                }
            }
        }
    }

    private Json call(String method, Consumer<JsonGenerator> parameters) throws InterruptedException {
        int id = ++calls;
        byte[] request = JsonText.compact(json -> {
            json.writeStartObject();
            json.writeNumberProperty("id", id);
            json.writeStringProperty("method", method);
            if (!session.isEmpty()) {
                json.writeStringProperty("sessionId", session);
            }
            json.writeObjectPropertyStart("params");
            parameters.accept(json);
            json.writeEndObject();
            json.writeEndObject();
        });
        socket.sendText(new String(request, StandardCharsets.UTF_8), true).join();
        while (true) {
            Json answer = next();
            if (answer.get("id").filter(of -> of.isWhole(id, id)).isPresent()) {
                return answer.get("result").orElseThrow(() -> new AssertionError(method + ": " + answer));
            }
        }
    }

    private Json next() throws InterruptedException {
        Json answer = answers.poll(SECONDS, TimeUnit.SECONDS);
        if (answer == null) {
            throw new AssertionError("Chromium said nothing for " + SECONDS + " s");
        }
        return answer;
    }

    /** Opens a file, and waits until it is loaded. */
    void open(Path file) throws InterruptedException {
        complaints.clear();
        requests.clear();
        answers.clear();
        call(
                "Page.navigate",
                json -> json.writeStringProperty("url", file.toUri().toString()));
        // The event may have come before the answer: the page says itself whether it is loaded.
        while (!evaluate("document.readyState").equals("complete")) {
            Thread.sleep(20);
        }
    }

    /** Sets the width in CSS pixels, the colour scheme and the medium. */
    void show(int width, int height, String scheme, String medium) throws InterruptedException {
        call("Emulation.setDeviceMetricsOverride", json -> {
            json.writeNumberProperty("width", width);
            json.writeNumberProperty("height", height);
            json.writeNumberProperty("deviceScaleFactor", 1);
            json.writeBooleanProperty("mobile", false);
        });
        call("Emulation.setEmulatedMedia", json -> {
            json.writeStringProperty("media", medium);
            json.writeArrayPropertyStart("features");
            json.writeStartObject();
            json.writeStringProperty("name", "prefers-color-scheme");
            json.writeStringProperty("value", scheme);
            json.writeEndObject();
            json.writeEndArray();
        });
    }

    /** The value of an expression, as text. */
    String evaluate(String expression) throws InterruptedException {
        Json result = call("Runtime.evaluate", json -> {
            json.writeStringProperty("expression", "String(" + expression + ")");
            json.writeBooleanProperty("returnByValue", true);
        });
        return result.require("result").require("value").string();
    }

    /** A picture of the whole page, PNG. */
    byte[] screenshot() throws InterruptedException {
        Json result = call("Page.captureScreenshot", json -> json.writeBooleanProperty("captureBeyondViewport", true));
        return Base64.getDecoder().decode(result.require("data").string());
    }

    /** The page printed, PDF. */
    byte[] print() throws InterruptedException {
        Json result = call("Page.printToPDF", json -> {});
        return Base64.getDecoder().decode(result.require("data").string());
    }

    /** What the page wrote to the console, and errors, since it was opened. */
    List<String> complaints() {
        return List.copyOf(complaints);
    }

    /** The addresses that were asked for since the page was opened. */
    List<String> requests() {
        return List.copyOf(requests);
    }

    @Override
    public void close() throws IOException {
        socket.abort();
        process.destroy();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        try (Stream<Path> files = Files.walk(profile)) {
            for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
