package dev.hyaline.tools.command;

import dev.hyaline.analysis.table.CommandRecord;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonDifference;
import dev.hyaline.files.SafetensorsHeader;
import dev.hyaline.files.StoredTensor;
import dev.hyaline.instrument.dump.DumpPlan;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Where two files differ, apart from what they say of how they were made. */
final class FileDifference {
    /** What a manifest, a plan or a {@code made.json} says of the program, the machine and the command. */
    private static final Set<String> UNEQUAL =
            Set.of("tool", "environment", "command", "request.tool", "made.tool", "made.command");

    private FileDifference() {}

    /**
     * The first place where they differ, such as {@code differs in line 3, column 7}; null for none.
     *
     * @param old of the other's name and kind
     */
    static @Nullable String of(Path old, Path again) {
        if (MadeFile.tells(again.getFileName().toString()) || again.endsWith(DumpPlan.FILE)) {
            return ofManifests(MadeFile.json(old), MadeFile.json(again));
        }
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

    private static @Nullable String ofManifests(Json old, Json again) {
        // Parts know the files of a corpus, one process what was read of them.
        boolean isOfParts = isOfFiles(old) != isOfFiles(again);
        return JsonDifference.between(
                        old,
                        again,
                        path -> UNEQUAL.contains(path)
                                // A prompt that no option gave is written into the command.
                                || (path.startsWith("prompts[") && path.endsWith(".source"))
                                || (isOfParts && (path.equals("corpus.files") || path.equals("corpus.sha256"))))
                .map(difference -> "differs: " + difference)
                .orElse(null);
    }

    private static boolean isOfFiles(Json manifest) {
        return manifest.get("corpus").flatMap(corpus -> corpus.get("files")).isPresent();
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
