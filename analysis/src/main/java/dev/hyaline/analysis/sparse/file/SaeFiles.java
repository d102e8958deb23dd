package dev.hyaline.analysis.sparse.file;

import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.weights.TensorFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;

/**
 * Reads autoencoders of any of the formats of {@link SaeFormat}, told apart by the files that are there, and writes
 * SAELens's. Reading is strict: a parameter of another shape, one that is missing, or one that nobody knows is an
 * error.
 */
public final class SaeFiles {
    static final String SAELENS_WEIGHTS = "sae_weights.safetensors";
    static final String SAELENS_CONFIG = "cfg.json";
    private static final String SPARSIFY_WEIGHTS = "sae.safetensors";
    private static final String DICTIONARY = "ae.pt";
    private static final String GEMMA = "params.npz";
    private static final Set<String> READ = Set.of(
            SAELENS_CONFIG,
            SAELENS_WEIGHTS,
            "sparsity.safetensors",
            "activation_scaler.json",
            SPARSIFY_WEIGHTS,
            DICTIONARY,
            "config.json",
            GEMMA);

    private static final int CONFIG_LIMIT = 1 << 24;

    private SaeFiles() {}

    /**
     * Reads an autoencoder.
     *
     * @param folderOrFile a folder of SAELens's, dictionary_learning's, sparsify's or Gemma Scope's, or a file of
     *     weights: theirs, or OpenAI's {@code .pt}
     * @throws dev.hyaline.engine.error.HyalineException naming the file and the tensor or key that is wrong
     */
    public static SaeFile read(Path folderOrFile) {
        Path path = folderOrFile.toAbsolutePath().normalize();
        if (Files.isDirectory(path)) {
            return readFolder(path);
        }
        String name = String.valueOf(path.getFileName());
        Path folder = path.getParent();
        if (folder != null && Files.isRegularFile(path)) {
            if (name.equals(SAELENS_WEIGHTS)
                    || name.equals(SPARSIFY_WEIGHTS)
                    || name.equals(DICTIONARY)
                    || name.equals(GEMMA)) {
                return readFolder(folder);
            }
            if (name.endsWith(".npz")) {
                return DictionaryReader.gemmaScope(path);
            }
            try (TensorFile file = TensorFile.open(path)) {
                if (file.has("pre_bias")) {
                    return DictionaryReader.openAi(file);
                }
                if (file.has("state_dict.W_enc")) {
                    return SaeLensReader.oldest(file);
                }
            }
        }
        throw BadCheckpointException.file(
                folderOrFile,
                "an autoencoder's folder, or OpenAI's .pt",
                Files.exists(path) ? "something else" : "nothing there");
    }

    /**
     * Returns whether a file of this name is part of an autoencoder's folder, so that a folder somewhere else need not
     * be fetched whole.
     */
    public static boolean isRead(String fileName) {
        return READ.contains(fileName);
    }

    private static SaeFile readFolder(Path folder) {
        if (Files.isRegularFile(folder.resolve(SAELENS_WEIGHTS))) {
            return SaeLensReader.read(folder);
        }
        if (Files.isRegularFile(folder.resolve(SPARSIFY_WEIGHTS))) {
            return DictionaryReader.sparsify(folder, SPARSIFY_WEIGHTS);
        }
        if (Files.isRegularFile(folder.resolve(DICTIONARY))) {
            return DictionaryReader.dictionaryLearning(folder, DICTIONARY);
        }
        if (Files.isRegularFile(folder.resolve(GEMMA))) {
            return DictionaryReader.gemmaScope(folder.resolve(GEMMA));
        }
        throw BadCheckpointException.file(
                folder,
                "an autoencoder: " + String.join(", ", SAELENS_WEIGHTS, SPARSIFY_WEIGHTS, DICTIONARY) + " or " + GEMMA,
                "none of them");
    }

    /**
     * Writes an autoencoder as a new folder in SAELens's format, which Python loads: {@code cfg.json} and
     * {@code sae_weights.safetensors}. A normalisation factor is folded into the weights, and a threshold on all
     * latents becomes one a latent, as SAELens wants them.
     *
     * @param folder must not exist
     * @param densities share of tokens that fire each latent, for {@code sparsity.safetensors}; empty for none
     * @throws dev.hyaline.engine.error.BadInputException if SAELens has no such architecture
     * @throws dev.hyaline.engine.error.FileException if it cannot be written
     */
    public static void write(SparseAutoencoder autoencoder, Path folder, float[] densities) {
        write(autoencoder, folder, densities, Map.of());
    }

    /**
     * As {@link #write(SparseAutoencoder, Path, float[])}, with more files in the folder, which SAELens does not read.
     *
     * @param more content by name
     */
    public static void write(SparseAutoencoder autoencoder, Path folder, float[] densities, Map<String, byte[]> more) {
        SaeLensWriter.write(autoencoder, folder, densities, more);
    }

    static Json config(Path file) {
        try (FileInput input = FileInput.open(file, InputErrors.INSTANCE)) {
            return Json.readObject(InputErrors.INSTANCE, file.toString(), input.readAll(CONFIG_LIMIT));
        }
    }
}
