package dev.hyaline.tools.command;

import dev.hyaline.analysis.table.CommandRecord;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.SafetensorsHeader;
import dev.hyaline.files.StoredTensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Where two files differ, apart from what they say of how they were made. */
final class FileDifference {
    private FileDifference() {}

    /**
     * The first place where they differ, such as {@code differs in line 3, column 7}; null for none.
     *
     * @param old of the other's name and kind
     */
    static @Nullable String of(Path old, Path again) {
        String kind = CommandRecord.kind(again);
        if (!kind.equals(CommandRecord.kind(old))) {
            return "differs: it is another kind of file";
        }
        try {
            if (kind.equals("safetensors")) {
                return ofTensors(old, again);
            }
            if (CommandRecord.isKeptIn(kind) || kind.equals("csv")) {
                return ofText(
                        CommandRecord.without(old.toString(), Files.readAllBytes(old)),
                        CommandRecord.without(again.toString(), Files.readAllBytes(again)));
            }
            long at = Files.mismatch(old, again);
            return at < 0 ? null : "differs from byte " + at + " on";
        } catch (IOException e) {
            throw FileException.reading(old, e);
        }
    }

    private static @Nullable String ofText(byte[] old, byte[] again) {
        int at = Arrays.mismatch(old, again);
        if (at < 0) {
            return null;
        }
        String before = new String(old, 0, at, StandardCharsets.UTF_8);
        int line = 1 + (int) before.chars().filter(c -> c == '\n').count();
        return "differs in line " + line + ", column " + (before.length() - before.lastIndexOf('\n'));
    }

    private static @Nullable String ofTensors(Path old, Path again) {
        try (FileInput first = FileInput.open(old, InputErrors.INSTANCE);
                FileInput second = FileInput.open(again, InputErrors.INSTANCE);
                Arena arena = Arena.ofConfined()) {
            SafetensorsHeader header = SafetensorsHeader.read(first);
            SafetensorsHeader other = SafetensorsHeader.read(second);
            if (!header.tensors().equals(other.tensors())) {
                return "differs: it has other tensors, or of other shapes";
            }
            if (!facts(header).equals(facts(other))) {
                return "differs in its metadata";
            }
            long at = data(first, header, arena).mismatch(data(second, other, arena));
            if (at < 0) {
                return null;
            }
            StoredTensor tensor = header.tensors().values().stream()
                    .filter(one -> one.begin() <= at && at < one.end())
                    .findFirst()
                    .orElseThrow();
            long value =
                    (at - tensor.begin()) * tensor.shape().stream().reduce(1L, Math::multiplyExact) / tensor.bytes();
            return "differs in tensor " + tensor.name() + ", value " + value;
        }
    }

    private static MemorySegment data(FileInput file, SafetensorsHeader header, Arena arena) {
        return file.map(header.dataStart(), file.size() - header.dataStart(), arena);
    }

    private static Map<String, String> facts(SafetensorsHeader header) {
        Map<String, String> facts = new HashMap<>(header.metadata());
        facts.remove(CommandRecord.KEY);
        return facts;
    }
}
