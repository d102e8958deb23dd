package dev.hyaline.weights;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.files.PartialFolder;
import dev.hyaline.weights.internal.ConfigFile;
import dev.hyaline.weights.internal.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The conversion of a checkpoint of any format to a folder that Hugging Face's libraries read: {@code config.json},
 * {@code model.safetensors}, and the files about tokens.
 */
public final class Conversion {
    private static final String WEIGHTS = "model.safetensors";
    private static final Set<StorageDtype> PLAIN = Set.of(StorageDtype.F32, StorageDtype.F16, StorageDtype.BF16);

    private final Checkpoint checkpoint;
    private final @Nullable StorageDtype dtype;

    private Conversion(Checkpoint checkpoint, @Nullable StorageDtype dtype) {
        this.checkpoint = checkpoint;
        this.dtype = dtype;
    }

    /**
     * Plans a conversion that keeps each parameter's type, or uses F32 if it is stored in blocks.
     *
     * @throws BadInputException if the model has a bias of the logits, which Hugging Face's GPT-2 does not have
     */
    public static Conversion of(Checkpoint checkpoint) {
        return checked(checkpoint, null);
    }

    /**
     * Plans a conversion that rounds all parameters to one type, to nearest.
     *
     * @param dtype F32, F16 or BF16
     * @throws BadInputException if the type is another, or the model has a bias of the logits, which Hugging Face's
     *     GPT-2 does not have
     */
    public static Conversion of(Checkpoint checkpoint, StorageDtype dtype) {
        if (!PLAIN.contains(dtype)) {
            throw new BadInputException("parameters can be written as F32, F16 or BF16, not as " + dtype);
        }
        return checked(checkpoint, dtype);
    }

    private static Conversion checked(Checkpoint checkpoint, @Nullable StorageDtype dtype) {
        if (checkpoint.tensors().hasUnembeddingBias()) {
            throw new BadInputException(checkpoint.name() + " has a bias of the logits, as folding the last LayerNorm"
                    + " leaves it, for which Hugging Face's GPT-2 has no place; convert the unprocessed model");
        }
        return new Conversion(checkpoint, dtype);
    }

    /** The number of steps: each parameter is written, and read again. */
    public long steps() {
        return 2 * checkpoint.config().parameters();
    }

    /**
     * Writes the folder completely or not at all. It takes its name only after all parameters have been read back and
     * found equal, bit for bit.
     *
     * @param folder that must not exist, or be empty
     * @param progress told how many steps have been done since it was last told
     * @throws BadInputException if the folder is not empty, or a parameter is beyond the type asked for
     * @throws HyalineException if it cannot be written
     */
    public void write(Path folder, LongConsumer progress) {
        write(folder, Map.of(), progress);
    }

    /**
     * As {@link #write(Path, LongConsumer)}, with more files in the folder.
     *
     * @param more content by name
     */
    public void write(Path folder, Map<String, byte[]> more, LongConsumer progress) {
        Path target = folder.toAbsolutePath().normalize();
        requireFree(folder);
        try (PartialFolder partial = PartialFolder.begin(target)) {
            writeAndCheck(partial, more, progress);
            partial.commit();
        } catch (DirectoryNotEmptyException e) {
            throw occupied(target);
        } catch (IOException e) {
            throw FileException.writing(folder, e);
        }
    }

    /**
     * Checks before any work that a folder can be written.
     *
     * @throws BadInputException if there is something else of that name, or the folder is not empty
     * @throws FileException if it cannot be read
     */
    public static void requireFree(Path folder) {
        Path target = folder.toAbsolutePath().normalize();
        if (target.getParent() == null || (Files.exists(target) && !Files.isDirectory(target))) {
            throw occupied(target);
        }
        if (Files.isDirectory(target)) {
            try (Stream<Path> files = Files.list(target)) {
                if (files.findAny().isPresent()) {
                    throw occupied(target);
                }
            } catch (IOException e) {
                throw FileException.reading(folder, e);
            }
        }
    }

    private static BadInputException occupied(Path target) {
        return new BadInputException(target + " exists already and is not an empty folder; choose another");
    }

    private void writeAndCheck(PartialFolder partial, Map<String, byte[]> more, LongConsumer progress)
            throws IOException {
        SafetensorsWriter writer = new SafetensorsWriter(checkpoint.tensors());
        for (TensorSpec spec : Gpt2Weights.tensors(checkpoint.config())) {
            writer.add(spec, dtype == null ? kept(spec) : dtype);
        }
        writer.write(partial.path().resolve(WEIGHTS), progress);
        Map<String, byte[]> files = new LinkedHashMap<>(checkpoint.filesBesideWeights(checkpoint.config()));
        files.putAll(more);
        partial.write(files);
        check(partial.path(), writer, files, progress);
    }

    private StorageDtype kept(TensorSpec spec) {
        Set<StorageDtype> stored = checkpoint.storageDtypes(spec);
        // A parameter that a file omits because it is zero is written like the rest.
        Set<StorageDtype> dtypes = stored.isEmpty() ? checkpoint.storageDtypes() : stored;
        return dtypes.size() == 1 && PLAIN.containsAll(dtypes)
                ? dtypes.iterator().next()
                : StorageDtype.F32;
    }

    private void check(Path partial, SafetensorsWriter writer, Map<String, byte[]> files, LongConsumer progress)
            throws IOException {
        try (Checkpoint written = Checkpoint.open(partial)) {
            if (!written.config().equals(checkpoint.config())) {
                throw damaged(ConfigFile.NAME);
            }
            Optional<String> differs = writer.firstDifference(written.tensors(), progress);
            if (differs.isPresent()) {
                throw damaged(WEIGHTS + ", tensor " + differs.get());
            }
            for (Map.Entry<String, byte[]> file : files.entrySet()) {
                if (!Arrays.equals(Files.readAllBytes(partial.resolve(file.getKey())), file.getValue())) {
                    throw damaged(file.getKey());
                }
            }
        }
    }

    private static HyalineException damaged(String what) {
        return new HyalineException(
                "what was written reads back otherwise (" + what + "): the disk may be faulty; nothing is left");
    }

    @Override
    public String toString() {
        return "conversion of " + checkpoint;
    }
}
