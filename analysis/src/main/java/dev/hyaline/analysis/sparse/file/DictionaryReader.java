package dev.hyaline.analysis.sparse.file;

import dev.hyaline.analysis.sparse.LatentActivation;
import dev.hyaline.analysis.sparse.Normalization;
import dev.hyaline.analysis.sparse.SaeConfig;
import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.analysis.sparse.SaeParameters;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import dev.hyaline.weights.TensorFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Files of dictionary_learning, sparsify, OpenAI's sparse_autoencoder and Gemma Scope. */
final class DictionaryReader {
    private static final float[] NONE = {};
    private static final Pattern BLOCK = Pattern.compile(
            "(?:h|layers|blocks|model\\.layers|transformer\\.h)\\.(0|[1-9]\\d{0,5})" + "(?:\\.(mlp|attn|self_attn))?");

    private DictionaryReader() {}

    static SaeFile dictionaryLearning(Path folder, String name) {
        Json trainer = SaeFiles.config(folder.resolve("config.json")).require("trainer");
        Json dictClass = trainer.require("dict_class");
        int d = trainer.require("activation_dim").integer(1, Integer.MAX_VALUE);
        int n = trainer.require("dict_size").integer(1, Integer.MAX_VALUE);
        try (TensorFile file = TensorFile.open(folder.resolve(name))) {
            Tensors t = new Tensors(file);
            SaeConfig config = SaeConfig.of(d, n, new LatentActivation.Relu());
            SaeParameters p;
            switch (dictClass.string()) {
                case "AutoEncoder" ->
                    p = SaeParameters.of(
                            t.floats("encoder.weight", n, d),
                            t.floats("encoder.bias", n),
                            t.transposed("decoder.weight", d, n),
                            t.floats("bias", d));
                case "AutoEncoderNew" -> {
                    config = config.withSubtractsDecoderBias(false);
                    p = SaeParameters.of(
                            t.floats("encoder.weight", n, d),
                            t.floats("encoder.bias", n),
                            t.transposed("decoder.weight", d, n),
                            t.floats("decoder.bias", d));
                }
                case "GatedAutoEncoder" -> {
                    config = config.withActivation(new LatentActivation.Gated());
                    p = SaeParameters.of(
                                    t.floats("encoder.weight", n, d),
                                    NONE,
                                    t.transposed("decoder.weight", d, n),
                                    t.floats("decoder_bias", d))
                            .withGate(t.floats("gate_bias", n), t.floats("mag_bias", n), t.floats("r_mag", n));
                }
                case "AutoEncoderTopK" -> {
                    config = config.withActivation(new LatentActivation.TopK(k(t, n), false));
                    t.ignore("threshold");
                    p = linear(t, n, d);
                }
                case "BatchTopKSAE" -> {
                    config =
                            config.withActivation(new LatentActivation.Threshold((float) t.scalar("threshold"), false));
                    t.ignore("k");
                    p = linear(t, n, d);
                }
                case "MatryoshkaBatchTopKSAE" -> {
                    config =
                            config.withActivation(new LatentActivation.Threshold((float) t.scalar("threshold"), false));
                    t.ignore("k", "group_sizes");
                    p = matrices(t, n, d);
                }
                case "JumpReluAutoEncoder" -> {
                    config = config.withActivation(new LatentActivation.JumpRelu())
                            .withSubtractsDecoderBias(false);
                    p = matrices(t, n, d).withThreshold(t.floats("threshold", n));
                }
                default ->
                    throw dictClass.expected("AutoEncoder, AutoEncoderNew, GatedAutoEncoder, AutoEncoderTopK,"
                            + " BatchTopKSAE, MatryoshkaBatchTopKSAE or JumpReluAutoEncoder");
            }
            t.requireAllTaken();
            return file(config, p, metadata(trainer), SaeFormat.DICTIONARY_LEARNING, List.of());
        }
    }

    private static int k(Tensors t, int n) {
        double k = t.scalar("k");
        if (k != Math.floor(k) || k < 1 || k > n) {
            throw t.bad("k", "a whole number from 1 to " + n, String.valueOf(k));
        }
        return (int) k;
    }

    private static SaeParameters linear(Tensors t, int n, int d) {
        return SaeParameters.of(
                t.floats("encoder.weight", n, d),
                t.floats("encoder.bias", n),
                t.transposed("decoder.weight", d, n),
                t.floats("b_dec", d));
    }

    private static SaeParameters matrices(Tensors t, int n, int d) {
        return SaeParameters.of(
                t.transposed("W_enc", d, n), t.floats("b_enc", n), t.floats("W_dec", n, d), t.floats("b_dec", d));
    }

    private static SaeMetadata metadata(Json trainer) {
        SaeMetadata metadata = SaeMetadata.unknown().centred(false);
        Optional<String> module =
                trainer.nullable("submodule_name").filter(Json::isString).map(Json::string);
        Optional<Json> layer = trainer.nullable("layer");
        Optional<String> model =
                trainer.nullable("lm_name").filter(Json::isString).map(Json::string);
        if (module.isEmpty() || layer.isEmpty() || !layer.get().isWhole(0, 1_000_000)) {
            return metadata;
        }
        String site = module.get().startsWith("resid_post")
                ? "hook_resid_post"
                : module.get().startsWith("mlp_out")
                        ? "hook_mlp_out"
                        : module.get().startsWith("attention_out") ? "hook_attn_out" : "";
        return site.isEmpty()
                ? metadata
                : metadata.at(model.orElse(""), "blocks." + layer.get().whole(0) + "." + site);
    }

    static SaeFile sparsify(Path folder, String name) {
        Json cfg = SaeFiles.config(folder.resolve(SaeFiles.SAELENS_CONFIG));
        int d = cfg.require("d_in").integer(1, Integer.MAX_VALUE);
        List<String> notes = new ArrayList<>();
        try (TensorFile file = TensorFile.open(folder.resolve(name))) {
            Tensors t = new Tensors(file);
            int n = t.size("encoder.weight", 2, 0);
            int told = cfg.nullable("num_latents")
                    .map(json -> json.integer(0, Integer.MAX_VALUE))
                    .orElse(0);
            long expected = told != 0
                    ? told
                    : (long) d * cfg.require("expansion_factor").integer(1, 1 << 20);
            if (n != expected) {
                throw t.bad("encoder.weight", expected + " rows", String.valueOf(n));
            }
            boolean transcode = cfg.nullable("transcode").map(Json::bool).orElse(false);
            boolean skip = cfg.nullable("skip_connection").map(Json::bool).orElse(false);
            int dOut = t.size("W_dec", 2, 1);
            Json k = cfg.require("k");
            String function = cfg.nullable("activation").map(Json::string).orElse("topk");
            LatentActivation activation = switch (function) {
                case "topk" -> new LatentActivation.TopK(k.integer(1, n), false);
                case "groupmax" -> new LatentActivation.GroupMax(groups(k, n));
                default -> throw cfg.require("activation").expected("topk or groupmax");
            };
            SaeParameters p = SaeParameters.of(
                    t.floats("encoder.weight", n, d),
                    t.floats("encoder.bias", n),
                    t.floats("W_dec", n, dOut),
                    t.floats("b_dec", dOut));
            p = skip ? p.withSkip(t.floats("W_skip", dOut, d)) : p;
            t.requireAllTaken();
            SaeConfig config = new SaeConfig(d, dOut, n, 1, transcode, !transcode, Normalization.none(), activation);
            SaeMetadata metadata = site(SaeMetadata.unknown().centred(false), folder, transcode, notes);
            return file(config, p, metadata, SaeFormat.SPARSIFY, notes);
        }
    }

    private static int groups(Json k, int n) {
        int groups = k.integer(1, n);
        if (n % groups != 0) {
            throw k.expected("a number that divides " + n + " latents");
        }
        return groups;
    }

    /** The folder is called after the module whose output, or for transcoders whose input too, it is of. */
    private static SaeMetadata site(SaeMetadata metadata, Path folder, boolean transcode, List<String> notes) {
        String module = String.valueOf(folder.getFileName());
        Matcher block = BLOCK.matcher(module);
        if (module.matches("(wte|embed_tokens|transformer\\.wte)")) {
            return metadata.at("", "hook_embed");
        }
        if (!block.matches()) {
            return metadata;
        }
        String part = block.group(2) == null ? "" : block.group(2);
        String site = "blocks." + block.group(1) + "."
                + (part.isEmpty() ? "hook_resid_post" : part.equals("mlp") ? "hook_mlp_out" : "hook_attn_out");
        if (!transcode) {
            return metadata.at("", site);
        }
        notes.add("It reads the input of the module " + module + ", which is ln2's output after gain and bias: no hook"
                + " point of its own, but blocks." + block.group(1) + ".ln2.hook_normalized of folded weights.");
        return metadata.writing(site);
    }

    static SaeFile openAi(TensorFile file) {
        Tensors t = new Tensors(file);
        int n = t.size("encoder.weight", 2, 0);
        int d = t.size("encoder.weight", 2, 1);
        t.ignore("stats_last_nonzero", "latents_activation_frequency", "latents_mean_square");
        SaeParameters p = SaeParameters.of(
                t.floats("encoder.weight", n, d),
                t.floats("latent_bias", n),
                t.transposed("decoder.weight", d, n),
                t.floats("pre_bias", d));
        t.requireAllTaken();
        String function = file.text("activation").orElse("ReLU");
        SaeConfig config = switch (function) {
            case "ReLU" -> SaeConfig.of(d, n, new LatentActivation.Relu());
            case "TopK" -> {
                double k = file.number("activation_state_dict.k").orElse(0.0);
                if (k != Math.floor(k) || k < 1 || k > n) {
                    throw BadCheckpointException.file(
                            file.label(), "activation_state_dict.k from 1 to " + n, String.valueOf(k));
                }
                yield SaeConfig.of(d, n, new LatentActivation.TopK((int) k, false))
                        .withNormalization(new Normalization.LayerNorm());
            }
            default ->
                throw BadCheckpointException.file(file.label(), "activation ReLU or TopK", Printable.quoted(function));
        };
        return file(config, p, SaeMetadata.unknown().centred(false), SaeFormat.OPENAI, List.of());
    }

    static SaeFile gemmaScope(Path path) {
        try (TensorFile file = TensorFile.open(path)) {
            Tensors t = new Tensors(file);
            int d = t.size("W_enc", 2, 0);
            int n = t.size("W_enc", 2, 1);
            int dOut = t.size("W_dec", 2, 1);
            SaeParameters p = SaeParameters.of(
                            t.transposed("W_enc", d, n),
                            t.floats("b_enc", n),
                            t.floats("W_dec", n, dOut),
                            t.floats("b_dec", dOut))
                    .withThreshold(t.floats("threshold", n));
            t.requireAllTaken();
            SaeConfig config = new SaeConfig(
                    d, dOut, n, 1, d != dOut, false, Normalization.none(), new LatentActivation.JumpRelu());
            return file(config, p, SaeMetadata.unknown(), SaeFormat.GEMMA_SCOPE, List.of());
        }
    }

    private static SaeFile file(
            SaeConfig config, SaeParameters p, SaeMetadata metadata, SaeFormat format, List<String> notes) {
        return new SaeFile(SparseAutoencoder.of(config, p, metadata), format, notes, NONE);
    }
}
