package dev.hyaline.tools;

import dev.hyaline.engine.BadInputException;
import dev.hyaline.instrument.FileException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/**
 * A file of prompts in UTF-8: one a line, blank lines skipped. In JSON Lines ({@code .jsonl}, {@code .ndjson}, {@code
 * .json}; standard input whose first character is a brace) a line is a string, or an object with {@code "text"} or
 * {@code "tokens"}; other properties are skipped.
 */
final class PromptFile {
    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();
    private static final String EXPECTED = "expected a string, or an object with \"text\" or \"tokens\"";

    private PromptFile() {}

    /**
     * Reads a file's prompts.
     *
     * @param name a path, or {@code -} for standard input
     * @throws FileException if it cannot be read
     * @throws BadInputException if it holds no prompt, or a line is none, naming file and line
     */
    static List<PromptInput> read(String name, InputStream standardInput) {
        boolean standard = name.equals("-");
        String file = standard ? "standard input" : name;
        byte[] bytes = standard ? readAll(standardInput) : readAll(name);
        List<String> lines = lines(file, bytes);
        boolean json = standard
                ? lines.stream().filter(line -> !line.isBlank()).findFirst().stream()
                        .anyMatch(line -> line.strip().startsWith("{"))
                : name.toLowerCase(Locale.ROOT).matches(".*\\.(jsonl|ndjson|json)");
        List<PromptInput> prompts = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            if (!lines.get(i).isBlank()) {
                String source = file + ":" + (i + 1);
                prompts.add(json ? parse(source, lines.get(i)) : new PromptInput.OfText(source, lines.get(i)));
            }
        }
        if (prompts.isEmpty()) {
            throw new BadInputException(file + " holds no prompt");
        }
        return prompts;
    }

    static byte[] readAll(InputStream standardInput) {
        try {
            return standardInput.readAllBytes();
        } catch (IOException e) {
            throw FileException.reading("standard input", e);
        }
    }

    private static byte[] readAll(String name) {
        try {
            return Files.readAllBytes(ModelOptions.path("--prompts", name));
        } catch (IOException e) {
            throw FileException.reading(name, e);
        }
    }

    private static List<String> lines(String file, byte[] bytes) {
        List<String> lines = new ArrayList<>();
        for (int start = 0; start < bytes.length; ) {
            int end = start;
            while (end < bytes.length && bytes[end] != '\n') {
                end++;
            }
            int length = end > start && bytes[end - 1] == '\r' ? end - 1 - start : end - start;
            try {
                String line = StandardCharsets.UTF_8
                        .newDecoder()
                        .decode(ByteBuffer.wrap(bytes, start, length))
                        .toString();
                lines.add(lines.isEmpty() && line.startsWith("\uFEFF") ? line.substring(1) : line);
            } catch (CharacterCodingException e) {
                throw new BadInputException(file + ":" + (lines.size() + 1) + ": this is not UTF-8 text");
            }
            start = end + 1;
        }
        return lines;
    }

    private static PromptInput parse(String source, String line) {
        try (JsonParser json = JSON.createParser(ObjectReadContext.empty(), line)) {
            PromptInput prompt = switch (json.nextToken()) {
                case VALUE_STRING -> new PromptInput.OfText(source, json.getString());
                case START_OBJECT -> object(source, json);
                default -> throw new BadInputException(source + ": " + EXPECTED);
            };
            if (json.nextToken() != null) {
                throw new BadInputException(source + ": more follows after the first JSON value");
            }
            return prompt;
        } catch (JacksonException e) {
            throw new BadInputException(source + ": this is not JSON: " + reason(e));
        }
    }

    /** A message without the parser's own place names, which count from the line's begin. */
    private static String reason(JacksonException failure) {
        return failure.getOriginalMessage()
                .replaceAll(" \\(start marker at \\[Source: [^\\]]*\\]\\)", "")
                .replaceAll("\\[Source: [^\\]]*; (line: \\d+, column: \\d+)\\]", "$1");
    }

    private static PromptInput object(String source, JsonParser json) {
        PromptInput prompt = null;
        while (json.nextToken() != JsonToken.END_OBJECT) {
            String property = json.currentName();
            JsonToken value = json.nextToken();
            PromptInput found = switch (property) {
                case "text" -> new PromptInput.OfText(source, string(source, json, value));
                case "tokens" -> new PromptInput.OfTokens(source, tokens(source, json, value));
                default -> null;
            };
            if (found == null) {
                json.skipChildren();
            } else if (prompt != null) {
                throw new BadInputException(source + ": \"text\" and \"tokens\" exclude each other");
            } else {
                prompt = found;
            }
        }
        if (prompt == null) {
            throw new BadInputException(source + ": " + EXPECTED);
        }
        return prompt;
    }

    private static String string(String source, JsonParser json, JsonToken value) {
        if (value != JsonToken.VALUE_STRING) {
            throw new BadInputException(source + ": \"text\" must be a string");
        }
        return json.getString();
    }

    private static List<Integer> tokens(String source, JsonParser json, JsonToken value) {
        List<Integer> tokens = new ArrayList<>();
        if (value == JsonToken.START_ARRAY) {
            while (json.nextToken() == JsonToken.VALUE_NUMBER_INT) {
                tokens.add(json.getIntValue());
            }
        }
        if (json.currentToken() != JsonToken.END_ARRAY) {
            throw new BadInputException(source + ": \"tokens\" must be a list of token ids");
        }
        return tokens;
    }
}
