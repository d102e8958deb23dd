package dev.hyaline.analysis.table;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import dev.hyaline.files.Markup;
import dev.hyaline.files.SafetensorsHeader;
import dev.hyaline.instrument.dump.Provenance.ModelFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * How files were made: what someone else needs to make them again. It is kept inside them, so that it is not lost when
 * they are copied: in JSON as the object {@code made}, in SVG as {@code metadata}, in PNG as a text chunk of the
 * keyword {@value #KEYWORD}, in DOT as a comment, in HTML as a {@code meta} element of that name, in safetensors as the
 * metadata {@code made}. CSV has no place for it; the JSON beside it tells. A folder whose files are of another
 * program's format, such as a model's, has {@value #FILE} beside them.
 *
 * @param tool name and version of the program
 * @param command the command line, without what changes no result: the folder, the number of threads
 * @param output the option that named the file; null if the file is one of a folder's
 * @param model the model's name; null if there was none
 * @param modelFiles what the model was read from
 */
public record CommandRecord(
        String tool,
        List<String> command,
        @Nullable String output,
        @Nullable String model,
        List<ModelFile> modelFiles) {
    /** A folder's file that says how all of its files were made. */
    public static final String FILE = "made.json";

    /** The key of a record, in JSON and in the metadata of safetensors. */
    public static final String KEY = "made";

    private static final String SAFETENSORS = "safetensors";
    private static final String KEYWORD = "hyaline";
    private static final Pattern SVG_METADATA = Pattern.compile("<metadata>(\\{.*?})</metadata>");
    private static final Pattern SVG_BEGIN = Pattern.compile("<svg [^>]*>\n");
    private static final String HTML_HEAD = "<!doctype html>";
    private static final String HTML_BEGIN = "<meta charset=\"utf-8\">\n";
    private static final Pattern HTML_META = Pattern.compile("<meta name=\"" + KEYWORD + "\" content=\"(\\{.*?})\">");
    /** Signature and header of a PNG file, behind which other chunks may stand. */
    private static final int PNG_HEAD = 8 + 12 + 13;

    /** A chunk's length, type and checksum. */
    private static final int PNG_CHUNK = 12;

    private static final int TYPE = 4;
    private static final String PNG_BEGIN = "iTXt" + KEYWORD + "\0\0\0\0\0";

    public CommandRecord {
        command = List.copyOf(command);
        modelFiles = List.copyOf(modelFiles);
    }

    /**
     * Puts the record into a file's content.
     *
     * @param file its name, by whose ending the place is chosen
     * @return the content as it was, if files of the kind have no place for it
     */
    public byte[] into(String file, byte[] content) {
        return switch (ending(file)) {
            case "json" -> intoJson(content);
            case "svg" -> intoSvg(content);
            case "png" -> intoPng(content);
            case "dot" -> joined(dotComment(), content);
            case "html" ->
                bytes(string(content).replaceFirst(HTML_BEGIN, Matcher.quoteReplacement(HTML_BEGIN + htmlMeta())));
            default -> content;
        };
    }

    /** Returns whether files of a name's ending have a place for a record. */
    public static boolean isKeptIn(String file) {
        return List.of("json", "svg", "png", "dot", "html").contains(ending(file));
    }

    /** The record as safetensors files keep it among their metadata. */
    public Map<String, String> metadata() {
        return Map.of(KEY, text());
    }

    /** The content of a {@value #FILE}. */
    public byte[] file() {
        return bytes("{\n  \"" + KEY + "\" : " + text() + "\n}\n");
    }

    /**
     * Takes the record out of a file's content, which is then as it was before it was put in.
     *
     * @param file its name
     * @throws BadInputException if a record is there and is none
     */
    public static byte[] without(String file, byte[] content) {
        return of(file, content)
                .map(record -> switch (kind(file, content)) {
                    case "json" -> {
                        int begin = record.beginOfJson(content).length;
                        yield joined(bytes("{"), Arrays.copyOfRange(content, begin, content.length));
                    }
                    case "svg" -> bytes(string(content).replace(record.svgMetadata(), ""));
                    case "html" -> bytes(string(content).replace(record.htmlMeta(), ""));
                    case "png" ->
                        joined(
                                Arrays.copyOf(content, PNG_HEAD),
                                Arrays.copyOfRange(content, PNG_HEAD + record.pngChunk().length, content.length));
                    default -> Arrays.copyOfRange(content, record.dotComment().length, content.length);
                })
                .orElse(content);
    }

    /**
     * Reads the record of a file.
     *
     * @return nothing if there is none
     * @throws FileException if the file cannot be read
     * @throws BadInputException if a record is there and is none
     */
    public static Optional<CommandRecord> of(Path file) {
        String kind = kind(file);
        if (kind.equals(SAFETENSORS)) {
            try (FileInput input = FileInput.open(file, InputErrors.INSTANCE)) {
                return Optional.ofNullable(
                                SafetensorsHeader.read(input).metadata().get(KEY))
                        .map(text -> parse(file.toString(), text));
            }
        }
        if (!isKeptIn(kind)) {
            return Optional.empty();
        }
        byte[] content;
        try {
            content = Files.readAllBytes(file);
        } catch (IOException e) {
            throw FileException.reading(file, e);
        }
        return of(file.toString(), content);
    }

    /**
     * The kind of a file as an ending names it: {@code html} or {@code safetensors} by how the file begins, whatever
     * its name, else its name's ending.
     *
     * @throws FileException if the file cannot be read
     */
    public static String kind(Path file) {
        try (InputStream content = Files.newInputStream(file)) {
            return kind(file.toString(), content.readNBytes(HTML_HEAD.length()));
        } catch (IOException e) {
            throw FileException.reading(file, e);
        }
    }

    private static String kind(String name, byte[] content) {
        if (string(Arrays.copyOf(content, HTML_HEAD.length())).equalsIgnoreCase(HTML_HEAD)) {
            return "html";
        }
        return SafetensorsHeader.isBegunBy(content) ? SAFETENSORS : ending(name);
    }

    private static Optional<CommandRecord> of(String name, byte[] content) {
        return switch (kind(name, content)) {
            case "json" ->
                Json.readObject(InputErrors.INSTANCE, name, content).get(KEY).map(CommandRecord::parse);
            case "svg" -> inSvg(string(content)).map(text -> parse(name, text));
            case "png" -> inPng(content).map(text -> parse(name, text));
            case "html" -> inHtml(string(content)).map(text -> parse(name, text));
            case "dot" ->
                string(content)
                        .lines()
                        .findFirst()
                        .filter(line -> line.startsWith("// {"))
                        .map(line -> parse(name, line.substring(3)));
            default -> Optional.empty();
        };
    }

    private static String ending(String file) {
        return file.substring(file.lastIndexOf('.') + 1);
    }

    private String text() {
        return string(JsonText.compact(json -> {
            json.writeStartObject();
            write(json);
            json.writeEndObject();
        }));
    }

    private void write(JsonGenerator json) {
        json.writeStringProperty("tool", tool);
        json.writeArrayPropertyStart("command");
        command.forEach(json::writeString);
        json.writeEndArray();
        if (output != null) {
            json.writeStringProperty("output", output);
        }
        if (model != null) {
            json.writeStringProperty("model", model);
        }
        json.writeArrayPropertyStart("model_files");
        for (ModelFile file : modelFiles) {
            json.writeStartObject();
            json.writeStringProperty("name", file.name());
            json.writeNumberProperty("bytes", file.bytes());
            json.writeStringProperty("sha256", file.sha256());
            json.writeEndObject();
        }
        json.writeEndArray();
    }

    private static CommandRecord parse(String file, String text) {
        return parse(Json.readObject(InputErrors.INSTANCE, file, bytes(text)));
    }

    private static CommandRecord parse(Json json) {
        return new CommandRecord(
                json.require("tool").string(),
                json.require("command").elements().stream().map(Json::string).toList(),
                json.get("output").map(Json::string).orElse(null),
                json.get("model").map(Json::string).orElse(null),
                json.require("model_files").elements().stream()
                        .map(file -> new ModelFile(
                                file.require("name").string(),
                                file.require("bytes").whole(0),
                                file.require("sha256").string()))
                        .toList());
    }

    private byte[] intoJson(byte[] content) {
        return joined(beginOfJson(content), Arrays.copyOfRange(content, 1, content.length));
    }

    private byte[] beginOfJson(byte[] content) {
        boolean indented = content.length > 1 && content[1] == '\n';
        String begin = (indented ? "{\n  \"" : "{\"") + KEY + (indented ? "\" : " : "\":") + text() + ",";
        return bytes(begin);
    }

    private byte[] dotComment() {
        return bytes("// " + text() + "\n");
    }

    private byte[] intoSvg(byte[] content) {
        Matcher begin = SVG_BEGIN.matcher(string(content));
        if (!begin.find()) {
            return content;
        }
        return bytes(begin.replaceFirst(Matcher.quoteReplacement(begin.group() + svgMetadata())));
    }

    private String svgMetadata() {
        return "<metadata>" + Markup.escaped(text()) + "</metadata>\n";
    }

    private static Optional<String> inSvg(String svg) {
        Matcher metadata = SVG_METADATA.matcher(svg);
        return metadata.find() ? Optional.of(Markup.unescaped(metadata.group(1))) : Optional.empty();
    }

    private String htmlMeta() {
        return "<meta name=\"" + KEYWORD + "\" content=\"" + Markup.escaped(text()) + "\">\n";
    }

    private static Optional<String> inHtml(String html) {
        Matcher meta = HTML_META.matcher(html);
        return meta.find() ? Optional.of(Markup.unescaped(meta.group(1))) : Optional.empty();
    }

    private byte[] intoPng(byte[] content) {
        return joined(
                joined(Arrays.copyOf(content, PNG_HEAD), pngChunk()),
                Arrays.copyOfRange(content, PNG_HEAD, content.length));
    }

    /** An {@code iTXt} chunk (PNG, third edition, 11.3.3.4), not compressed. */
    private byte[] pngChunk() {
        byte[] typeAndData = bytes(PNG_BEGIN + text());
        CRC32 crc = new CRC32();
        crc.update(typeAndData);
        return ByteBuffer.allocate(typeAndData.length + 2 * Integer.BYTES)
                .putInt(typeAndData.length - TYPE)
                .put(typeAndData)
                .putInt((int) crc.getValue())
                .array();
    }

    private static Optional<String> inPng(byte[] content) {
        byte[] begin = bytes(PNG_BEGIN);
        ByteBuffer png = ByteBuffer.wrap(content);
        for (int at = 8; at + PNG_CHUNK <= content.length; ) {
            int length = png.getInt(at);
            if (length < 0 || length > content.length - at - PNG_CHUNK) {
                break;
            }
            int from = at + Integer.BYTES;
            int end = from + TYPE + length;
            if (end - from >= begin.length
                    && Arrays.equals(content, from, from + begin.length, begin, 0, begin.length)) {
                return Optional.of(
                        new String(content, from + begin.length, end - from - begin.length, StandardCharsets.UTF_8));
            }
            at = end + Integer.BYTES;
        }
        return Optional.empty();
    }

    private static byte[] joined(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String string(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
