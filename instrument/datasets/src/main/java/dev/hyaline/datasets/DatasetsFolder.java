package dev.hyaline.datasets;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.Digests;
import dev.hyaline.files.JsonText;
import dev.hyaline.files.PartialFolder;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.dump.ActivationStore;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.function.LongConsumer;

/**
 * A folder as {@code Dataset.save_to_disk} of the Hugging Face {@code datasets} library writes it, of which each row is
 * a context window: the values of a site {@code [context, width]} under its name, and {@code token_ids}. SAELens reads
 * it as cached activations ({@code cached_activations_path}).
 */
public final class DatasetsFolder {
    /** About the size of a data file, which is the library's default. */
    private static final long FILE_BYTES = 500_000_000;

    private static final long BATCH_BYTES = 1 << 24;
    private static final int FINGERPRINT = 16;

    private DatasetsFolder() {}

    /**
     * Writes a site of a dump that was packed into windows, whole or not at all. bfloat16, which Arrow has not, becomes
     * float32. The bytes depend on the dump alone.
     *
     * @param folder must not exist
     * @param progress told how many more windows were written
     * @throws BadInputException if the folder exists, the point was not dumped, or the documents of the dump are not of
     *     one length with a row for each token
     * @throws FileException if it cannot be written
     */
    public static void write(ActivationStore store, HookPoint point, Path folder, LongConsumer progress) {
        write(store, point, folder, Map.of(), progress);
    }

    /**
     * As {@link #write(ActivationStore, HookPoint, Path, LongConsumer)}, with more files in the folder, which the
     * library does not read.
     *
     * @param more content by name
     */
    public static void write(
            ActivationStore store, HookPoint point, Path folder, Map<String, byte[]> more, LongConsumer progress) {
        write(store, point, folder, FILE_BYTES, more, progress);
    }

    static void write(
            ActivationStore store,
            HookPoint point,
            Path folder,
            long fileBytes,
            Map<String, byte[]> more,
            LongConsumer progress) {
        WindowSchema schema =
                new WindowSchema(point.name(), context(store), store.width(point), store.type() == ElementType.F16);
        Path target = folder.toAbsolutePath().normalize();
        if (Files.exists(target)) {
            throw new BadInputException(folder + " exists already; choose another folder, or remove it first");
        }
        long windowBytes = (long) schema.context() * ((long) schema.width() * schema.bytesPerValue() + Integer.BYTES);
        long windows = store.documents();
        int files = Math.toIntExact(Math.clamp(Math.ceilDiv(windows * windowBytes, fileBytes), 1, windows));
        try (PartialFolder partial = PartialFolder.begin(target)) {
            for (int f = 0; f < files; f++) {
                long first = windows * f / files;
                long end = windows * (f + 1) / files;
                Path file = partial.path().resolve(name(f, files));
                try (ArrowStream stream =
                        new ArrowStream(new BufferedOutputStream(Files.newOutputStream(file), 1 << 16), schema)) {
                    write(store, point, schema, stream, first, end, progress);
                }
            }
            Files.write(partial.path().resolve("dataset_info.json"), info(schema));
            Files.write(partial.path().resolve("state.json"), state(schema, files, windows, store));
            partial.write(more);
            partial.commit();
        } catch (IOException e) {
            throw FileException.writing(target, e);
        }
    }

    private static String name(int file, int files) {
        return String.format(Locale.ROOT, "data-%05d-of-%05d.arrow", file, files);
    }

    /** Tokens of each window. */
    private static int context(ActivationStore store) {
        long context = store.rows() / store.documents();
        for (long w = 0; w < store.documents(); w++) {
            long first = w * context;
            if (store.rows() != store.documents() * context
                    || store.document(first) != w
                    || store.position(first) != 0
                    || store.document(first + context - 1) != w
                    || store.position(first + context - 1) != context - 1) {
                throw new BadInputException("a folder for datasets needs a dump of packed windows with a row for each"
                        + " token, found " + store.rows() + " rows of " + store.documents()
                        + " documents that are not of one length, or lack tokens");
            }
        }
        return Math.toIntExact(context);
    }

    private static void write(
            ActivationStore store,
            HookPoint point,
            WindowSchema schema,
            ArrowStream stream,
            long first,
            long end,
            LongConsumer progress)
            throws IOException {
        int context = schema.context();
        long windowValues = (long) context * schema.width();
        int most = (int) Math.clamp(BATCH_BYTES / (windowValues * Float.BYTES), 1, end - first);
        float[] values = new float[Math.toIntExact(most * windowValues)];
        int[] tokens = new int[most * context];
        for (long window = first; window < end; window += most) {
            int count = (int) Math.min(most, end - window);
            store.read(point, window * context, count * context, values, 0);
            for (int i = 0; i < count * context; i++) {
                tokens[i] = store.token(window * context + i);
            }
            stream.write(count, values, tokens);
            progress.accept(count);
        }
    }

    private static byte[] info(WindowSchema schema) {
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeStringProperty("citation", "");
            json.writeStringProperty("description", "");
            json.writeName("features");
            schema.features(json);
            json.writeStringProperty("homepage", "");
            json.writeStringProperty("license", "");
            json.writeEndObject();
        });
    }

    private static byte[] state(WindowSchema schema, int files, long windows, ActivationStore store) {
        StringBuilder identity = new StringBuilder(schema + " " + windows);
        store.checksums().forEach(sha256 -> identity.append(' ').append(sha256));
        String fingerprint = Digests.sha256(identity.toString().getBytes(StandardCharsets.UTF_8))
                .substring(0, FINGERPRINT);
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeArrayPropertyStart("_data_files");
            for (int f = 0; f < files; f++) {
                json.writeStartObject();
                json.writeStringProperty("filename", name(f, files));
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeStringProperty("_fingerprint", fingerprint);
            json.writeNullProperty("_format_columns");
            json.writeObjectPropertyStart("_format_kwargs");
            json.writeEndObject();
            json.writeNullProperty("_format_type");
            json.writeBooleanProperty("_output_all_columns", false);
            json.writeNullProperty("_split");
            json.writeEndObject();
        });
    }
}
