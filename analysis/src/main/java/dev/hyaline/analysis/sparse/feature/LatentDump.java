package dev.hyaline.analysis.sparse.feature;

import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.Dtype;
import dev.hyaline.files.PartialFile;
import dev.hyaline.files.SafetensorsLayout;
import dev.hyaline.files.TensorEntry;
import dev.hyaline.files.TensorFileWriter;
import dev.hyaline.instrument.Prompts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** Latents of texts in one safetensors file, those alone that are not zero. */
public final class LatentDump {
    /** The numbers of tokens and latents that were written. */
    public record Summary(long tokens, long latents) {}

    private LatentDump() {}

    /**
     * Writes the latents of prompts: {@code values} F32 and {@code indices} I64 of all that are not zero,
     * {@code offsets} I64 {@code [tokens + 1]}, and of each token {@code tokens}, {@code documents} and
     * {@code positions} I64.
     *
     * @throws FileException if the file cannot be written
     */
    public static Summary write(Gpt2 model, Attachment attachment, Prompts prompts, Path file) {
        EncodedTexts texts = EncodedTexts.of(model, attachment, prompts);
        Latents latents = texts.latents();
        int count = latents.count();
        long rows = latents.tokens();
        List<TensorEntry> entries = List.of(
                new TensorEntry("values", Dtype.F32, List.of((long) count)),
                new TensorEntry("indices", Dtype.I64, List.of((long) count)),
                new TensorEntry("offsets", Dtype.I64, List.of(rows + 1)),
                new TensorEntry("tokens", Dtype.I64, List.of(rows)),
                new TensorEntry("documents", Dtype.I64, List.of(rows)),
                new TensorEntry("positions", Dtype.I64, List.of(rows)));
        Map<String, String> metadata = new TreeMap<>();
        metadata.put("hook_point", attachment.out().name());
        metadata.put("width", String.valueOf(latents.width()));
        attachment.head().ifPresent(one -> metadata.put("head", String.valueOf(one.index())));
        Path target = file.toAbsolutePath().normalize();
        try {
            Files.createDirectories(Objects.requireNonNull(target.getParent(), "a file has a folder"));
            PartialFile.write(target, channel -> {
                TensorFileWriter writer = new TensorFileWriter(channel, SafetensorsLayout.of(entries, metadata));
                writer.append("values", latents.values(), 0, count);
                writer.append("indices", longs(latents.indices(), count));
                writer.append("offsets", longs(latents.offsets(), (int) rows + 1));
                writer.append("tokens", longs(texts.tokens(), (int) rows));
                writer.append("documents", longs(texts.sequences(), (int) rows));
                writer.append("positions", longs(texts.positions(), (int) rows));
                writer.finish();
            });
        } catch (IOException e) {
            throw FileException.writing(target, e);
        }
        return new Summary(rows, count);
    }

    private static long[] longs(int[] values, int count) {
        long[] longs = new long[count];
        for (int i = 0; i < count; i++) {
            longs[i] = values[i];
        }
        return longs;
    }
}
