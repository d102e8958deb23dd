package dev.hyaline.weights.internal;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.Printable;
import dev.hyaline.files.SafetensorsFile;
import dev.hyaline.weights.internal.gguf.GgufModel;
import dev.hyaline.weights.internal.llmc.LlmcFile;
import dev.hyaline.weights.internal.tensorflow.TensorFlowModel;
import dev.hyaline.weights.internal.tokens.ModelTokens;
import dev.hyaline.weights.internal.torch.NanoGpt;
import dev.hyaline.weights.internal.torch.TorchFile;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The weights of a checkpoint in a folder, opened in the format that their content shows. */
public final class ModelFiles {
    /** The usual names of weights, in the order in which they are searched for. */
    private static final List<String> USUAL = List.of(
            "model.safetensors",
            "model.safetensors.index.json",
            "pytorch_model.bin",
            "pytorch_model.bin.index.json",
            "ckpt.pt");

    /** The file in which transformers keeps the ids that end a generated text. */
    public static final String GENERATION = "generation_config.json";

    private static final int GENERATION_LIMIT = 1 << 20;

    private ModelFiles() {}

    /** Finds the file to begin with: one with a usual name, or else the only one that holds weights. */
    public static String find(Folder folder) {
        for (String name : USUAL) {
            if (folder.has(name)) {
                return name;
            }
        }
        Optional<String> latest = TensorFlowModel.latest(folder);
        if (latest.isPresent()) {
            return latest.get();
        }
        List<String> found = folder.names().stream()
                .filter(name -> name.matches(".+\\.(safetensors|bin|pt|pth|ckpt|gguf|index)"))
                .filter(name -> WeightFormat.of(folder, name) != WeightFormat.UNKNOWN)
                .toList();
        if (found.size() == 1) {
            return found.getFirst();
        }
        if (folder.has(ConfigFile.NAME)) {
            ConfigFile.read(folder); // If that is broken too, it is the first thing to know.
        }
        throw BadCheckpointException.file(
                folder.label(""),
                "weights: model.safetensors, pytorch_model.bin or their shards' index, ckpt.pt, model.ckpt.index, or"
                        + " one .safetensors, .bin, .pt, .pth, .ckpt or .gguf file",
                found.isEmpty() ? "none" : Printable.plain(String.join(", ", found)) + ": name the one to open");
    }

    /**
     * Returns whether a model is named after the file's folder rather than the file, because many files have that name.
     */
    public static boolean isNamedAfterFolder(String file) {
        return USUAL.contains(file) || file.matches(".+\\.(safetensors|index|index\\.json)");
    }

    /** Opens a file of weights and the files that belong to it. */
    public static OpenedModel open(Folder folder, String name, Arena arena) {
        OpenedModel model = openWeights(folder, name, arena);
        // A GGUF file is complete by itself, and a folder may hold several.
        return model.tokenizer() == null && folder.has(GENERATION)
                ? model.with(ModelTokens.read(folder.readObject(GENERATION, GENERATION_LIMIT)), GENERATION)
                : model;
    }

    private static OpenedModel openWeights(Folder folder, String name, Arena arena) {
        return switch (WeightFormat.of(folder, name)) {
            case GGUF -> GgufModel.open(folder, name, arena);
            case LLMC -> LlmcFile.open(folder, name, arena);
            case TENSORFLOW_INDEX -> TensorFlowModel.open(folder, name, arena);
            case SHARD_INDEX -> named(folder, ShardIndex.open(folder, name, shard -> stateDict(folder, shard, arena)));
            case SAFETENSORS -> named(folder, safetensors(folder, name, arena));
            case TORCH_ZIP, TORCH_LEGACY -> {
                TorchFile file = TorchFile.open(folder, name, arena);
                yield NanoGpt.is(file) ? NanoGpt.open(file) : named(folder, file.stateDict());
            }
            case UNKNOWN -> throw unknown(folder, name, arena);
        };
    }

    /** The tensors of one file, which may be a shard. */
    private static StateDict stateDict(Folder folder, String name, Arena arena) {
        return switch (WeightFormat.of(folder, name)) {
            case SAFETENSORS -> safetensors(folder, name, arena);
            case TORCH_ZIP, TORCH_LEGACY -> TorchFile.open(folder, name, arena).stateDict();
            default -> throw unknown(folder, name, arena);
        };
    }

    private static StateDict safetensors(Folder folder, String name, Arena arena) {
        SafetensorsFile file = SafetensorsFile.open(folder.open(name), arena);
        List<TensorView> tensors = file.header().tensors().values().stream()
                .map(tensor -> TensorView.dense(
                        file.file(), tensor.name(), tensor.dtype(), tensor.shape(), file.bytes(tensor)))
                .toList();
        return new StateDict(file.file(), List.of(name), file.data().byteSize(), tensors);
    }

    private static BadCheckpointException unknown(Folder folder, String name, Arena arena) {
        // A file whose name belongs to a reader goes to it, which can say what is wrong.
        if (name.endsWith(".safetensors")) {
            SafetensorsFile.open(folder.open(name), arena);
        } else if (name.endsWith(".json")) {
            ShardIndex.open(folder, name, shard -> stateDict(folder, shard, arena));
        }
        return BadCheckpointException.file(
                folder.label(name),
                "weights (safetensors, PyTorch's, nanoGPT's, llm.c's, GGUF, or the index of a TensorFlow checkpoint)",
                folder.size(name) == 0 ? "an empty file" : "a file of another kind");
    }

    /** Opens a state dictionary, whose configuration is in the {@code config.json} beside it. */
    private static OpenedModel named(Folder folder, StateDict stored) {
        StateDict dict = stored.unwrapped();
        if (TransformerLensNames.are(dict)) {
            ModelTensors tensors = TransformerLensNames.of(dict);
            if (!folder.has(ConfigFile.NAME)) {
                Gpt2Config config = TransformerLensNames.config(dict, tensors);
                return OpenedModel.of(config, ModelTokens.UNKNOWN, dict.files(), tensors);
            }
            // Folding the last LayerNorm into the unembedding unties it, whatever the file beside it says.
            OpenedModel model = described(folder, dict, tensors);
            return model.config().tieWordEmbeddings() && !tensors.tied() ? model.untied() : model;
        }
        return described(folder, dict, HuggingFaceNames.of(dict));
    }

    private static OpenedModel described(Folder folder, StateDict dict, ModelTensors tensors) {
        ConfigFile config = ConfigFile.read(folder);
        List<String> files = new ArrayList<>(List.of(ConfigFile.NAME));
        files.addAll(dict.files());
        return OpenedModel.of(config.config(), config.tokens(), files, tensors);
    }
}
