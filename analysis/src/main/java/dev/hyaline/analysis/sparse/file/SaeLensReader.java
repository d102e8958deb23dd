package dev.hyaline.analysis.sparse.file;

import dev.hyaline.analysis.sparse.LatentActivation;
import dev.hyaline.analysis.sparse.Normalization;
import dev.hyaline.analysis.sparse.SaeConfig;
import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.analysis.sparse.SaeParameters;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.files.Json;
import dev.hyaline.instrument.weights.ProcessingStep;
import dev.hyaline.weights.TensorFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Folders of SAELens, from its first versions to 6.18, checkpoints of training among them. */
final class SaeLensReader {
    private static final String SCALER = "activation_scaler.json";
    private static final String SPARSITY = "sparsity.safetensors";
    private static final Set<String> TRANSCODERS = Set.of("transcoder", "jumprelu_transcoder", "skip_transcoder");
    /** Keys that are facts of the record or of the arithmetic, and are not kept as further ones. */
    private static final Set<String> KNOWN = Set.of(
            "model_name",
            "hook_name",
            "hook_point",
            "hook_name_out",
            "hook_head_index",
            "hook_point_head_index",
            "context_size",
            "prepend_bos",
            "exclude_special_tokens");

    private final Json cfg;
    /** Where the facts stand: {@code metadata}, or before version 6 the top level. */
    private final Json facts;

    private final boolean legacy;
    private final List<String> notes = new ArrayList<>();

    private SaeLensReader(Json cfg) {
        this.cfg = cfg;
        Optional<Json> metadata = cfg.nullable("metadata");
        legacy = metadata.isEmpty();
        facts = metadata.orElse(cfg);
    }

    static SaeFile read(Path folder) {
        SaeLensReader reader = new SaeLensReader(SaeFiles.config(folder.resolve(SaeFiles.SAELENS_CONFIG)));
        try (TensorFile file = TensorFile.open(folder.resolve(SaeFiles.SAELENS_WEIGHTS))) {
            SparseAutoencoder sae =
                    reader.autoencoder(new Tensors(file), scaler(folder).orElse(null));
            return new SaeFile(
                    sae,
                    SaeFormat.SAELENS,
                    reader.notes,
                    densities(folder, sae.config().latents()));
        }
    }

    private static Optional<Float> scaler(Path folder) {
        Path file = folder.resolve(SCALER);
        return Files.isRegularFile(file)
                ? SaeFiles.config(file).nullable("scaling_factor").map(SaeLensReader::factor)
                : Optional.empty();
    }

    private static float factor(Json json) {
        float factor = (float) json.number();
        if (!(factor > 0) || Float.isInfinite(factor)) {
            throw json.expected("a finite number above 0");
        }
        return factor;
    }

    private static float[] densities(Path folder, int latents) {
        Path file = folder.resolve(SPARSITY);
        if (!Files.isRegularFile(file)) {
            return new float[0];
        }
        try (TensorFile opened = TensorFile.open(file)) {
            return new Tensors(opened).floats("sparsity", latents);
        }
    }

    /** The oldest files: a pickle of a configuration and a state dictionary. */
    static SaeFile oldest(TensorFile file) {
        Tensors t = new Tensors(file);
        int d = t.size("state_dict.W_enc", 2, 0);
        int n = t.size("state_dict.W_enc", 2, 1);
        SaeParameters p = SaeParameters.of(
                t.transposed("state_dict.W_enc", d, n),
                t.floats("state_dict.b_enc", n),
                t.floats("state_dict.W_dec", n, d),
                t.floats("state_dict.b_dec", d));
        t.requireAllTaken();
        SaeMetadata metadata = SaeMetadata.unknown();
        Optional<String> model = file.text("cfg.model_name");
        Optional<String> hook = file.text("cfg.hook_point");
        if (model.isPresent() && hook.isPresent()) {
            metadata = metadata.at(model.get(), hook.get());
        }
        return new SaeFile(
                SparseAutoencoder.of(SaeConfig.of(d, n, new LatentActivation.Relu()), p, metadata.centred(true)),
                SaeFormat.SAELENS,
                List.of("A file of SAELens's first version: taken as trained on a model whose writing weights were"
                        + " centred."),
                new float[0]);
    }

    private SparseAutoencoder autoencoder(Tensors t, @Nullable Float factor) {
        String architecture = cfg.nullable("architecture").map(Json::string).orElse("standard");
        if (architecture.equals("crosscoder")) {
            return crosscoder(t);
        }
        boolean tied = architecture.equals("matching_pursuit");
        boolean transcoder = TRANSCODERS.contains(architecture);
        int n = t.size("W_dec", 2, 0);
        int dOut = t.size("W_dec", 2, 1);
        int d = transcoder ? t.size("W_enc", 2, 0) : dOut;
        requireSize("d_in", d);
        requireSize("d_sae", n);
        requireSize("d_out", dOut);
        LatentActivation activation = activation(architecture, t, n);
        boolean gated = activation instanceof LatentActivation.Gated;
        SaeParameters p = SaeParameters.of(
                tied ? new float[0] : t.transposed("W_enc", d, n),
                gated || tied ? new float[0] : t.floats("b_enc", n),
                t.floats("W_dec", n, dOut),
                t.floats("b_dec", dOut));
        if (gated) {
            p = p.withGate(t.floats("b_gate", n), t.floats("b_mag", n), t.floats("r_mag", n));
        }
        if (activation instanceof LatentActivation.JumpRelu) {
            p = p.withThreshold(threshold(t, n));
        }
        if (architecture.equals("skip_transcoder")) {
            p = p.withSkip(t.floats("W_skip", dOut, d));
        }
        p = scaled(t, p, n, d, activation);
        t.requireAllTaken();
        boolean subtracts = cfg.nullable("apply_b_dec_to_input").map(Json::bool).orElse(!transcoder);
        if (transcoder && subtracts) {
            throw cfg.require("apply_b_dec_to_input").expected("false, since a transcoder's b_dec is of its output");
        }
        Normalization normalization = normalization(factor);
        if (transcoder && !(normalization instanceof Normalization.None)) {
            throw cfg.require("normalize_activations")
                    .expected("none, since a transcoder's output is not in the units of its input");
        }
        SaeConfig config = new SaeConfig(d, dOut, n, 1, transcoder, subtracts, normalization, activation);
        return SparseAutoencoder.of(config, p, metadata());
    }

    private void requireSize(String key, int found) {
        cfg.nullable(key).ifPresent(json -> {
            if (json.integer(1, Integer.MAX_VALUE) != found) {
                throw json.expected(found + ", as the weights have it");
            }
        });
    }

    private static float[] threshold(Tensors t, int n) {
        if (t.has("threshold") || !t.has("log_threshold")) {
            return t.floats("threshold", n);
        }
        float[] threshold = t.floats("log_threshold", n);
        for (int i = 0; i < n; i++) {
            threshold[i] = (float) Math.exp(threshold[i]);
        }
        return threshold;
    }

    private LatentActivation activation(String architecture, Tensors t, int n) {
        return switch (architecture) {
            case "standard", "transcoder", "skip_transcoder" -> named(n);
            case "gated" -> new LatentActivation.Gated();
            case "jumprelu", "jumprelu_transcoder" -> new LatentActivation.JumpRelu();
            case "topk" -> new LatentActivation.TopK(k(cfg.require("k"), n), rescaled(false));
            case "batchtopk", "matryoshka_batchtopk" -> {
                float threshold = (float) t.scalar("topk_threshold");
                yield new LatentActivation.Threshold(threshold, rescaled(true));
            }
            case "matching_pursuit" ->
                new LatentActivation.MatchingPursuit(
                        cfg.nullable("residual_threshold")
                                .map(json -> (float) json.number())
                                .orElse(1e-2f),
                        cfg.nullable("max_iterations")
                                .map(json -> json.integer(1, Integer.MAX_VALUE))
                                .orElse(n));
            default ->
                throw cfg.require("architecture")
                        .expected("an architecture of SAELens's that has weights of its own: standard, gated, topk,"
                                + " batchtopk, matryoshka_batchtopk, jumprelu, matching_pursuit, transcoder,"
                                + " skip_transcoder or jumprelu_transcoder");
        };
    }

    /** Old files name the activation function instead of the architecture. */
    private LatentActivation named(int n) {
        Optional<Json> name = cfg.nullable("activation_fn_str").or(() -> cfg.nullable("activation_fn"));
        String function = name.map(Json::string).orElse("relu");
        return switch (function) {
            case "relu" -> new LatentActivation.Relu();
            case "topk" ->
                new LatentActivation.TopK(k(cfg.require("activation_fn_kwargs").require("k"), n), rescaled(false));
            default -> throw name.orElseThrow().expected("relu or topk");
        };
    }

    private boolean rescaled(boolean unless) {
        return cfg.nullable("rescale_acts_by_decoder_norm").map(Json::bool).orElse(unless);
    }

    private static int k(Json json, int n) {
        double k = json.number();
        if (k != Math.floor(k) || k < 1 || k > n) {
            throw json.expected("a whole number from 1 to " + n);
        }
        return (int) k;
    }

    /** Factors of latents, left by SAELens's early fine-tuning: they go into encoder and bias. */
    private SaeParameters scaled(Tensors t, SaeParameters p, int n, int d, LatentActivation activation) {
        if (!t.has("scaling_factor")) {
            return p;
        }
        float[] factors = t.floats("scaling_factor", n);
        boolean ones = true;
        for (float factor : factors) {
            ones &= factor == 1;
        }
        if (ones) {
            return p;
        }
        boolean tuned =
                cfg.nullable("finetuning_scaling_factor").map(Json::bool).orElse(false);
        if (!tuned || !(activation instanceof LatentActivation.Relu)) {
            throw t.bad(
                    "scaling_factor", "ones, or finetuning_scaling_factor true on a ReLU autoencoder", "other factors");
        }
        float[] encoder = p.encoder().clone();
        float[] bias = p.encoderBias().clone();
        for (int i = 0; i < n; i++) {
            if (!(factors[i] > 0)) {
                throw t.bad("scaling_factor", "factors above 0", String.valueOf(factors[i]));
            }
            for (int c = i * d; c < (i + 1) * d; c++) {
                encoder[c] *= factors[i];
            }
            bias[i] *= factors[i];
        }
        notes.add("The latents' scaling factors were put into the encoder.");
        return SaeParameters.of(encoder, bias, p.decoder(), p.decoderBias());
    }

    private Normalization normalization(@Nullable Float factor) {
        Optional<Json> json = cfg.nullable("normalize_activations");
        String mode = json.map(value ->
                        value.isBoolean() ? value.bool() ? "expected_average_only_in" : "none" : value.string())
                .orElse("none");
        return switch (mode) {
            case "none" -> Normalization.none();
            case "constant_norm_rescale" -> new Normalization.ConstantNorm();
            case "layer_norm" -> new Normalization.LayerNorm();
            case "expected_average_only_in" -> {
                if (factor != null) {
                    yield new Normalization.Factor(factor);
                }
                notes.add("It was trained on activations times a factor that the folder does not hold; it is taken to"
                        + " be in the weights, as SAELens does.");
                yield Normalization.none();
            }
            default ->
                throw json.orElseThrow()
                        .expected("none, expected_average_only_in, constant_norm_rescale or layer_norm");
        };
    }

    /** Our own: no two projects agree on files of crosscoders. */
    private SparseAutoencoder crosscoder(Tensors t) {
        int sites = t.size("W_enc", 3, 0);
        int d = t.size("W_enc", 3, 1);
        int n = t.size("W_enc", 3, 2);
        float[] encoder = Tensors.transposed(t.floats("W_enc", sites, d, n), sites * d, n);
        SaeParameters p = SaeParameters.of(
                encoder, t.floats("b_enc", n), t.floats("W_dec", n, sites, d), t.floats("b_dec", sites, d));
        LatentActivation activation = cfg.nullable("k").isPresent()
                ? new LatentActivation.TopK(k(cfg.require("k"), n), rescaled(false))
                : new LatentActivation.Relu();
        t.requireAllTaken();
        SaeConfig config =
                new SaeConfig(sites * d, sites * d, n, sites, false, false, Normalization.none(), activation);
        return SparseAutoencoder.of(config, p, metadata());
    }

    private SaeMetadata metadata() {
        Optional<Json> kwargs = facts.nullable("model_from_pretrained_kwargs");
        Optional<Boolean> centred = kwargs.flatMap(
                        given -> given.nullable(ProcessingStep.CENTER_WRITING_WEIGHTS.toString()))
                .map(Json::bool);
        if (centred.isEmpty() && legacy) {
            centred = Optional.of(true);
            notes.add("The file is older than the key center_writing_weights: taken as trained on a model whose writing"
                    + " weights were centred, TransformerLens's default then.");
        }
        List<Integer> excluded = facts.nullable("exclude_special_tokens")
                .filter(Json::isArray)
                .map(list -> list.elements().stream()
                        .map(token -> token.integer(0, Integer.MAX_VALUE))
                        .toList())
                .orElse(List.of());
        SaeMetadata metadata = SaeMetadata.unknown().excluding(excluded);
        metadata = text("model_name", "model_name").map(metadata::ofModel).orElse(metadata);
        metadata = text("hook_name", "hook_point").map(metadata::reading).orElse(metadata);
        metadata = text("hook_name_out", "hook_name_out").map(metadata::writing).orElse(metadata);
        metadata = whole("hook_head_index", "hook_point_head_index")
                .map(metadata::ofHead)
                .orElse(metadata);
        metadata =
                whole("context_size", "context_size").map(metadata::contextSize).orElse(metadata);
        metadata = facts.nullable("prepend_bos")
                .map(Json::bool)
                .map(metadata::prependBos)
                .orElse(metadata);
        metadata = centred.map(metadata::centred).orElse(metadata);
        if (kwargs.isPresent() && centred.isPresent()) {
            metadata = metadata.processed(Arrays.stream(ProcessingStep.values())
                    .filter(step -> kwargs.get()
                            .nullable(step.toString())
                            .map(Json::bool)
                            .orElse(false))
                    .toList());
        }
        Map<String, String> more = new LinkedHashMap<>();
        facts.forEachField((key, value) -> {
            boolean ofArithmetic = legacy && SaeLensWriter.WRITTEN.contains(key);
            if (!KNOWN.contains(key) && !ofArithmetic && !key.equals("metadata")) {
                more.put(key, value.toString());
            }
        });
        return metadata.with(more);
    }

    private Optional<String> text(String key, String older) {
        return facts.nullable(key).or(() -> facts.nullable(older)).map(Json::string);
    }

    private Optional<Integer> whole(String key, String older) {
        return facts.nullable(key).or(() -> facts.nullable(older)).map(json -> json.integer(0, Integer.MAX_VALUE));
    }
}
