package dev.hyaline.explorer.live;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import dev.hyaline.files.JsonText;
import java.io.IOException;
import java.io.OutputStream;
import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;

/** The answer to a request. Every one has the headers that keep a page to itself; none allows another site anything. */
final class Answer {
    static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
            + " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    private static final String JSON = "application/json; charset=utf-8";

    private final HttpExchange exchange;
    private final boolean bodiless;

    Answer(HttpExchange exchange) {
        this.exchange = exchange;
        this.bodiless = exchange.getRequestMethod().equals("HEAD");
        Headers headers = exchange.getResponseHeaders();
        headers.set("Content-Security-Policy", POLICY);
        headers.set("X-Content-Type-Options", "nosniff");
        headers.set("Referrer-Policy", "no-referrer");
        headers.set("Cross-Origin-Resource-Policy", "same-origin");
        headers.set("Cross-Origin-Opener-Policy", "same-origin");
        headers.set("Cache-Control", "no-store");
    }

    /** Sends a whole body. */
    void send(int status, String type, byte[] body) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.sendResponseHeaders(status, bodiless || body.length == 0 ? -1 : body.length);
        if (!bodiless && body.length > 0) {
            try (OutputStream out = exchange.getResponseBody()) {
                out.write(body);
            }
        }
    }

    /** Sends an object. */
    void json(int status, Consumer<JsonGenerator> fields) throws IOException {
        send(status, JSON, JsonText.compact(json -> {
            json.writeStartObject();
            fields.accept(json);
            json.writeEndObject();
        }));
    }

    /** Begins a body that is sent bit by bit. */
    OutputStream stream(String type) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", type);
        exchange.sendResponseHeaders(200, 0);
        return exchange.getResponseBody();
    }

    /** Sends the reason why there is nothing else. The connection ends, as more may follow that is not wanted. */
    void refuse(int status, String sentence) throws IOException {
        exchange.getResponseHeaders().set("Connection", "close");
        fail(status, sentence);
    }

    /** Sends a sentence that says what went wrong. */
    void fail(int status, String sentence) throws IOException {
        json(status, json -> json.writeStringProperty("error", sentence));
    }

    /** Refuses a method. */
    void allow(String methods) throws IOException {
        exchange.getResponseHeaders().set("Allow", methods);
        refuse(405, "this address takes " + methods);
    }
}
