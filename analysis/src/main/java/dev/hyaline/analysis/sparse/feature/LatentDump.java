package dev.hyaline.analysis.sparse.feature;

import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.Disk;
import dev.hyaline.files.Dtype;
import dev.hyaline.files.PartialFile;
import dev.hyaline.files.SafetensorsLayout;
import dev.hyaline.files.TensorEntry;
import dev.hyaline.files.TensorFileWriter;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.dump.LatentCache;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
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
        return write(model, attachment, prompts, file, Map.of());
    }

    /**
     * As {@link #write(Gpt2, Attachment, Prompts, Path)}, with more metadata.
     *
     * @param more text by key
     */
    public static Summary write(
            Gpt2 model, Attachment attachment, Prompts prompts, Path file, Map<String, String> more) {
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
        Map<String, String> metadata = new TreeMap<>(more);
        metadata.put("hook_point", attachment.out().name());
        metadata.put("width", String.valueOf(latents.width()));
        attachment.head().ifPresent(one -> metadata.put("head", String.valueOf(one.index())));
        write(file, channel -> {
            TensorFileWriter writer = new TensorFileWriter(channel, SafetensorsLayout.of(entries, metadata));
            writer.append("values", latents.values(), 0, count);
            writer.append("indices", latents.indices(), 0, count);
            writer.append("offsets", latents.offsets(), 0, (int) rows + 1);
            writer.append("tokens", texts.tokens(), 0, (int) rows);
            writer.append("documents", texts.sequences(), 0, (int) rows);
            writer.append("positions", texts.positions(), 0, (int) rows);
            writer.finish();
        });
        return new Summary(rows, count);
    }

    /**
     * Writes the latents of prompts of one length as delphi's cache has them, by which it explains features:
     * {@code locations} I64 {@code [n, 3]}, the sequence, position and latent of each that is not zero;
     * {@code activations} F32 {@code [n]}; and {@code tokens} I64 {@code [sequences, length]}.
     *
     * @throws BadInputException if the prompts differ in length
     * @throws FileException if the file cannot be written
     */
    public static Summary writeCache(Gpt2 model, Attachment attachment, Prompts prompts, Path file) {
        return writeCache(model, attachment, prompts, file, Map.of());
    }

    /**
     * As {@link #writeCache(Gpt2, Attachment, Prompts, Path)}, with metadata.
     *
     * @param metadata text by key
     */
    public static Summary writeCache(
            Gpt2 model, Attachment attachment, Prompts prompts, Path file, Map<String, String> metadata) {
        int[] lengths = prompts.lengths();
        for (int length : lengths) {
            if (length != lengths[0]) {
                throw new BadInputException("a cache of latents is of sequences of one length, found " + lengths[0]
                        + " and " + length + " tokens; pack the texts into windows");
            }
        }
        EncodedTexts texts = EncodedTexts.of(model, attachment, prompts);
        Latents latents = texts.latents();
        LatentCache cache = LatentCache.of(lengths.length, lengths[0]);
        for (int t = 0; t < latents.tokens(); t++) {
            cache.token(texts.tokens()[t]);
            for (int i = latents.offsets()[t]; i < latents.offsets()[t + 1]; i++) {
                cache.add(t, latents.indices()[i], latents.values()[i]);
            }
        }
        write(file, channel -> cache.write(channel, metadata));
        return new Summary(latents.tokens(), cache.count());
    }

    private static void write(Path file, PartialFile.Content content) {
        Path target = file.toAbsolutePath().normalize();
        try {
            Disk.createParent(target);
            PartialFile.write(target, content);
        } catch (IOException e) {
            throw FileException.writing(target, e);
        }
    }
}
