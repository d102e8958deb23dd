package dev.hyaline.explorer.live;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** Requests to a server, written to a socket byte by byte, so that nothing mends them. */
final class RawHttp {
    private static final int MILLISECONDS = 20_000;

    private final URI server;

    /**
     * An answer.
     *
     * @param status 0 if the connection ended without one
     * @param head the status line and the headers, in small letters
     */
    record Reply(int status, String head, byte[] body) {
        String text() {
            return new String(body, StandardCharsets.UTF_8);
        }

        /** The value of a header; empty if there is none. */
        String header(String name) {
            return head.lines()
                    .filter(line -> line.startsWith(name.toLowerCase(Locale.ROOT) + ":"))
                    .map(line -> line.substring(name.length() + 1).strip())
                    .findFirst()
                    .orElse("");
        }
    }

    RawHttp(ExplorerServer server) {
        this.server = server.address();
    }

    String host() {
        return "127.0.0.1:" + server.getPort();
    }

    String token() {
        return server.getFragment().substring("token=".length());
    }

    Socket connect() throws IOException {
        Socket socket = new Socket(InetAddress.ofLiteral("127.0.0.1"), server.getPort());
        socket.setSoTimeout(MILLISECONDS);
        return socket;
    }

    /** Sends a request line and headers, without a body. */
    Reply ask(String line, String... headers) throws IOException {
        return send(request(line, headers));
    }

    /** The request with our host and the headers, which may override it, and that ends the connection. */
    String request(String line, String... headers) {
        List<String> given = Arrays.asList(headers);
        StringBuilder request = new StringBuilder(line).append(" HTTP/1.1\r\n");
        if (given.stream().noneMatch(header -> header.toLowerCase(Locale.ROOT).startsWith("host:"))) {
            request.append("Host: ").append(host()).append("\r\n");
        }
        given.forEach(header -> request.append(header).append("\r\n"));
        return request.append("Connection: close\r\n\r\n").toString();
    }

    /** Asks the API, with the secret. */
    Reply api(String method, String path, String... headers) throws IOException {
        String[] more = Arrays.copyOf(headers, headers.length + 1);
        more[headers.length] = "X-Hyaline-Token: " + token();
        return ask(method + " /api/1/" + path, more);
    }

    /** Sends JSON to the API, with the secret. */
    Reply post(String path, String json, String... headers) throws IOException {
        return send(postRequest(path, json, headers));
    }

    String postRequest(String path, String json, String... headers) {
        String[] more = Arrays.copyOf(headers, headers.length + 3);
        more[headers.length] = "X-Hyaline-Token: " + token();
        more[headers.length + 1] = "Content-Type: application/json";
        more[headers.length + 2] = "Content-Length: " + json.getBytes(StandardCharsets.UTF_8).length;
        return request("POST /api/1/" + path, more) + json;
    }

    Reply send(String request) throws IOException {
        try (Socket socket = connect()) {
            try {
                socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
                socket.getOutputStream().flush();
            } catch (IOException e) {
                // The server may have refused before it read all; its answer is there to be read.
            }
            return read(socket);
        }
    }

    static Reply read(Socket socket) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        InputStream in = socket.getInputStream();
        byte[] part = new byte[1 << 16];
        try {
            for (int n = in.read(part); n >= 0; n = in.read(part)) {
                all.write(part, 0, n);
            }
        } catch (java.net.SocketException e) {
            // Reset: what came before it counts.
        }
        byte[] bytes = all.toByteArray();
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        int end = text.indexOf("\r\n\r\n");
        if (end < 0) {
            return new Reply(0, "", new byte[0]);
        }
        String head = text.substring(0, end).toLowerCase(Locale.ROOT);
        byte[] body = Arrays.copyOfRange(bytes, end + 4, bytes.length);
        return new Reply(Integer.parseInt(head.split(" ", 3)[1]), head, body);
    }
}
