package dev.hyaline.tools.option;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonFault;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.dump.CorpusFiles;
import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Optional;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.exc.InputCoercionException;

/**
 * A file of prompts in UTF-8: one per line, blank lines skipped. In JSON Lines ({@code .jsonl}, {@code .ndjson},
 * {@code .json}; standard input or a pipe whose first character is a brace) a line is a string, or an object with
 * {@code "text"} or {@code "tokens"} (also called {@code "input_ids"}) and optionally {@code "positions"} by role;
 * other properties are skipped. Parquet is read as JSON Lines, and what is compressed as what it holds, as
 * {@link CorpusFiles} says. Only one line at a time is in memory.
 */
public final class PromptFile {
    private static final String EXPECTED = "expected a string, or an object with \"text\" or \"tokens\"";
    private static final int IN_MEMORY = 1 << 20;
    private static final String STANDARD_INPUT = "standard input";

    /** The name in error messages. */
    private final String name;

    private final @Nullable Path path;
    /** The first bytes of standard input or of a pipe: all of them if it is short; null for a file. */
    private final byte @Nullable [] bytes;

    private PromptFile(String name, @Nullable Path path, byte @Nullable [] bytes) {
        this.name = name;
        this.path = path;
        this.bytes = bytes;
    }

    /**
     * Names a file to be read later.
     *
     * @param name a path, or {@code -} for standard input; standard input and pipes are read at once
     * @throws FileException if standard input or a pipe cannot be read
     */
    static PromptFile of(String name, InputStream standardInput) {
        if (name.equals("-")) {
            return kept(STANDARD_INPUT, standardInput);
        }
        Path path = PathOption.parse("--prompts", name);
        if (Files.isRegularFile(path) || !Files.exists(path)) {
            return new PromptFile(name, path, null);
        }
        // A pipe, as the shell makes of <(...), can be read only once.
        try (InputStream pipe = Files.newInputStream(path)) {
            return kept(name, pipe);
        } catch (IOException e) {
            throw FileException.reading(name, e);
        }
    }

    /**
     * Keeps a stream's bytes in memory or, if there are many, in a temporary file, so that they can be read repeatedly.
     */
    private static PromptFile kept(String name, InputStream in) {
        try {
            byte[] bytes = in.readNBytes(IN_MEMORY);
            Path file = null;
            if (bytes.length == IN_MEMORY) {
                file = Files.createTempFile("hyaline-prompts", "");
                file.toFile().deleteOnExit();
                try (OutputStream out = Files.newOutputStream(file)) {
                    out.write(bytes);
                    in.transferTo(out);
                }
            }
            return new PromptFile(name, file, bytes);
        } catch (IOException e) {
            throw FileException.reading(name, e);
        }
    }

    /**
     * Opens the prompts, beginning with the first. The caller closes the stream.
     *
     * @throws FileException if the file cannot be read, also while the stream is read
     * @throws BadInputException while the stream is read, naming file and line, if there is no prompt or a line is not
     *     a prompt
     */
    Stream<PromptInput> prompts() {
        try {
            Reader reader = new Reader(
                    bytes == null
                            ? CorpusFiles.open(name)
                            : path == null ? new ByteArrayInputStream(bytes) : Files.newInputStream(path));
            return StreamSupport.stream(Spliterators.spliteratorUnknownSize(reader, Spliterator.ORDERED), false)
                    .onClose(reader::close);
        } catch (IOException e) {
            throw FileException.reading(name, e);
        }
    }

    public static byte[] readAll(InputStream standardInput) {
        try {
            return standardInput.readAllBytes();
        } catch (IOException e) {
            throw FileException.reading("standard input", e);
        }
    }

    /** Reads one prompt per line. */
    private final class Reader implements Iterator<PromptInput> {
        private final InputStream in;
        private final ByteArrayOutputStream line = new ByteArrayOutputStream();
        private boolean json = CorpusFiles.isJsonLines(name);
        private int lines;
        private boolean any;
        private @Nullable PromptInput next;

        Reader(InputStream in) {
            this.in = new BufferedInputStream(in, 1 << 16);
        }

        @Override
        public boolean hasNext() {
            while (next == null && readLine()) {
                String text = text(name, lines, line.toByteArray());
                if (!text.isBlank()) {
                    String source = name + ":" + lines;
                    if (!any && bytes != null && !json) {
                        json = text.strip().startsWith("{");
                    }
                    any = true;
                    next = prompt(source, text, json);
                }
            }
            if (!any) {
                throw new BadInputException(name + " holds no prompt");
            }
            return next != null;
        }

        @Override
        public PromptInput next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            PromptInput prompt = Objects.requireNonNull(next);
            next = null;
            return prompt;
        }

        /** Reads a line without its end; returns false at the end of the file. */
        private boolean readLine() {
            line.reset();
            try {
                int read = in.read();
                if (read < 0) {
                    return false;
                }
                for (; read >= 0 && read != '\n'; read = in.read()) {
                    line.write(read);
                }
            } catch (IOException e) {
                throw FileException.reading(name, e);
            }
            lines++;
            return true;
        }

        void close() {
            try {
                in.close();
            } catch (IOException e) {
                throw FileException.reading(name, e);
            }
        }
    }

    /**
     * Reads a line of a file.
     *
     * @param line its number, from 1
     * @param content its bytes, without the line feed
     * @return empty if the line is blank
     * @throws BadInputException naming file and line, if it is not a prompt
     */
    static Optional<PromptInput> prompt(String file, long line, byte[] content) {
        String text = text(file, line, content);
        return text.isBlank()
                ? Optional.empty()
                : Optional.of(prompt(file + ":" + line, text, CorpusFiles.isJsonLines(file)));
    }

    private static String text(String file, long line, byte[] content) {
        int length = content.length;
        if (length > 0 && content[length - 1] == '\r') {
            length--;
        }
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(content, 0, length))
                    .toString();
            return line == 1 ? WholeFile.withoutMark(text) : text;
        } catch (CharacterCodingException e) {
            throw new BadInputException(file + ":" + line + ": this is not UTF-8 text");
        }
    }

    private static PromptInput prompt(String source, String text, boolean json) {
        return json ? parse(source, text) : new PromptInput.OfText(source, text);
    }

    private static PromptInput parse(String source, String line) {
        try (JsonParser json = Json.factory().createParser(ObjectReadContext.empty(), line)) {
            PromptInput prompt = switch (json.nextToken()) {
                case VALUE_STRING -> new PromptInput.OfText(source, json.getString());
                case START_OBJECT -> object(source, json);
                default -> throw new BadInputException(source + ": " + EXPECTED);
            };
            if (json.nextToken() != null) {
                throw new BadInputException(source + ": more follows after the first JSON value");
            }
            return prompt;
        } catch (InputCoercionException e) {
            throw new BadInputException(source + ": " + Printable.parserMessage(e));
        } catch (JacksonException e) {
            // The parser was given this line alone and calls it the first.
            throw new BadInputException(
                    source + ": expected JSON, found " + JsonFault.inWords(e).replace("line 1, column", "column"));
        }
    }

    private static PromptInput object(String source, JsonParser json) {
        String text = null;
        List<Integer> tokens = null;
        String tokensName = "tokens";
        Map<String, Integer> positions = Map.of();
        while (json.nextToken() != JsonToken.END_OBJECT) {
            String property = json.currentName();
            JsonToken value = json.nextToken();
            switch (property) {
                case "text" -> text = string(source, json, value);
                case "tokens", "input_ids" -> {
                    if (tokens != null && !property.equals(tokensName)) {
                        throw new BadInputException(source + ": \"tokens\" and \"input_ids\" exclude each other");
                    }
                    tokens = tokens(source, json, value, property);
                    tokensName = property;
                }
                case "positions" -> positions = positions(source, json, value);
                default -> json.skipChildren();
            }
        }
        if (text != null && tokens != null) {
            throw new BadInputException(source + ": \"text\" and \"" + tokensName + "\" exclude each other");
        }
        if (text != null) {
            return new PromptInput.OfText(source, text, positions);
        }
        if (tokens != null) {
            return new PromptInput.OfTokens(source, tokens, positions);
        }
        throw new BadInputException(source + ": " + EXPECTED);
    }

    private static String string(String source, JsonParser json, JsonToken value) {
        if (value != JsonToken.VALUE_STRING) {
            throw new BadInputException(source + ": \"text\" must be a string");
        }
        return json.getString();
    }

    private static List<Integer> tokens(String source, JsonParser json, JsonToken value, String name) {
        List<Integer> tokens = new ArrayList<>();
        if (value == JsonToken.START_ARRAY) {
            while (json.nextToken() == JsonToken.VALUE_NUMBER_INT) {
                tokens.add(json.getIntValue());
            }
        }
        if (json.currentToken() != JsonToken.END_ARRAY) {
            throw new BadInputException(source + ": \"" + name + "\" must be a list of token ids");
        }
        return tokens;
    }

    private static Map<String, Integer> positions(String source, JsonParser json, JsonToken value) {
        Map<String, Integer> positions = new LinkedHashMap<>();
        if (value == JsonToken.START_OBJECT) {
            while (json.nextToken() == JsonToken.PROPERTY_NAME) {
                String role = json.currentName();
                if (json.nextToken() != JsonToken.VALUE_NUMBER_INT) {
                    throw new BadInputException(source + ": \"positions\": " + Printable.plain(role)
                            + " must be a whole number, found " + Printable.plain(json.getString()));
                }
                positions.put(role, json.getIntValue());
            }
        }
        if (json.currentToken() != JsonToken.END_OBJECT) {
            throw new BadInputException(
                    source + ": \"positions\" must be an object of positions by role, such as {\"end\": -1}");
        }
        return positions;
    }
}
