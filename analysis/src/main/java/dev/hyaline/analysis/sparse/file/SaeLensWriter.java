package dev.hyaline.analysis.sparse.file;

import dev.hyaline.analysis.sparse.LatentActivation;
import dev.hyaline.analysis.sparse.Normalization;
import dev.hyaline.analysis.sparse.SaeConfig;
import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.analysis.sparse.SaeParameters;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.Dtype;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.JsonText;
import dev.hyaline.files.PartialFolder;
import dev.hyaline.files.SafetensorsLayout;
import dev.hyaline.files.TensorEntry;
import dev.hyaline.files.TensorFileWriter;
import dev.hyaline.instrument.weights.ProcessingStep;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/** Folders as SAELens 6 reads them. */
final class SaeLensWriter {
    /** Keys of {@code cfg.json} that say what is computed. */
    static final Set<String> WRITTEN = Set.of(
            "architecture",
            "d_in",
            "d_sae",
            "d_out",
            "dtype",
            "device",
            "apply_b_dec_to_input",
            "normalize_activations",
            "reshape_activations",
            "k",
            "rescale_acts_by_decoder_norm",
            "residual_threshold",
            "max_iterations",
            "model_from_pretrained_kwargs",
            "sae_lens_version");

    /** The version whose format this is; a lower one makes SAELens take the file for an old one. */
    private static final String VERSION = "6.18.0";

    private SaeLensWriter() {}

    static void write(SparseAutoencoder autoencoder, Path folder, float[] densities, Map<String, byte[]> more) {
        SparseAutoencoder sae = writable(autoencoder);
        if (densities.length > 0 && densities.length != sae.config().latents()) {
            throw new BadShapeException("densities", sae.config().latents() + " values", densities.length + " values");
        }
        Path target = folder.toAbsolutePath().normalize();
        if (Files.exists(target)) {
            throw new BadInputException(folder + " exists already; choose another folder, or remove it first");
        }
        try (PartialFolder partial = PartialFolder.begin(target)) {
            Files.write(partial.path().resolve(SaeFiles.SAELENS_CONFIG), config(sae));
            write(partial.path().resolve(SaeFiles.SAELENS_WEIGHTS), tensors(sae));
            if (densities.length > 0) {
                float[] logs = new float[densities.length];
                for (int i = 0; i < logs.length; i++) {
                    logs[i] = (float) Math.log10(densities[i] + 1e-10);
                }
                write(partial.path().resolve("sparsity.safetensors"), Map.of("sparsity", new Tensor(logs, List.of((long)
                        logs.length))));
            }
            partial.write(more);
            partial.commit();
        } catch (IOException e) {
            throw FileException.writing(target, e);
        }
    }

    /** The same function in a form that SAELens has. */
    private static SparseAutoencoder writable(SparseAutoencoder autoencoder) {
        SparseAutoencoder sae = autoencoder.config().normalization() instanceof Normalization.Factor
                ? autoencoder.foldNormalization()
                : autoencoder;
        return switch (sae.config().activation()) {
            case LatentActivation.Threshold cut when cut.rescaled() -> writable(sae.foldDecoderNorms());
            case LatentActivation.Threshold cut -> {
                float[] threshold = new float[sae.config().latents()];
                Arrays.fill(threshold, cut.threshold());
                yield SparseAutoencoder.of(
                        sae.config().withActivation(new LatentActivation.JumpRelu()),
                        sae.parameters().withThreshold(threshold),
                        sae.metadata());
            }
            case LatentActivation.BatchTopK top ->
                throw new BadInputException(
                        "SAELens keeps batch top-k autoencoders with the threshold that they were trained to, found"
                                + " none");
            case LatentActivation.GroupMax groups ->
                throw new BadInputException("SAELens has no autoencoders whose latents compete in groups");
            default -> sae;
        };
    }

    private static String architecture(SaeConfig config, SaeParameters p) {
        boolean relu = config.activation() instanceof LatentActivation.Relu;
        if (config.sites() > 1) {
            return "crosscoder";
        }
        if (config.transcoder() && p.skip().length > 0 && relu) {
            return "skip_transcoder";
        }
        if (config.transcoder() && p.skip().length == 0) {
            if (relu) {
                return "transcoder";
            }
            if (config.activation() instanceof LatentActivation.JumpRelu) {
                return "jumprelu_transcoder";
            }
        }
        if (!config.transcoder() && p.skip().length == 0) {
            switch (config.activation()) {
                case LatentActivation.Relu r -> {
                    return "standard";
                }
                case LatentActivation.Gated gated -> {
                    return "gated";
                }
                case LatentActivation.TopK top -> {
                    return "topk";
                }
                case LatentActivation.JumpRelu jump -> {
                    return "jumprelu";
                }
                case LatentActivation.MatchingPursuit pursuit -> {
                    return "matching_pursuit";
                }
                default -> {}
            }
        }
        throw new BadInputException("SAELens has no architecture of this kind: " + config);
    }

    private static byte[] config(SparseAutoencoder sae) {
        SaeConfig config = sae.config();
        SaeMetadata metadata = sae.metadata();
        String hook = metadata.hookName().orElse("");
        return JsonText.indented(json -> {
            json.writeStartObject();
            json.writeNumberProperty("d_in", config.dIn() / config.sites());
            json.writeNumberProperty("d_sae", config.latents());
            json.writeStringProperty("dtype", "float32");
            json.writeStringProperty("device", "cpu");
            json.writeBooleanProperty("apply_b_dec_to_input", config.subtractsDecoderBias());
            json.writeStringProperty(
                    "normalize_activations",
                    switch (config.normalization()) {
                        case Normalization.ConstantNorm norm -> "constant_norm_rescale";
                        case Normalization.LayerNorm norm -> "layer_norm";
                        default -> "none";
                    });
            // One head's rows are flat as they are.
            boolean flattened = hook.endsWith("hook_z") && metadata.head().isEmpty();
            json.writeStringProperty("reshape_activations", flattened ? "hook_z" : "none");
            json.writeStringProperty("architecture", architecture(config, sae.parameters()));
            if (config.transcoder()) {
                json.writeNumberProperty("d_out", config.dOut());
            }
            switch (config.activation()) {
                case LatentActivation.TopK top -> {
                    json.writeNumberProperty("k", top.k());
                    json.writeBooleanProperty("rescale_acts_by_decoder_norm", top.rescaled());
                }
                case LatentActivation.MatchingPursuit pursuit -> {
                    json.writeNumberProperty("residual_threshold", pursuit.residualThreshold());
                    json.writeNumberProperty("max_iterations", pursuit.maxIterations());
                }
                default -> {}
            }
            json.writeObjectPropertyStart("metadata");
            metadata(json, metadata);
            json.writeEndObject();
            json.writeEndObject();
        });
    }

    private static void metadata(JsonGenerator json, SaeMetadata metadata) {
        json.writeStringProperty("sae_lens_version", VERSION);
        text(json, "model_name", metadata.modelName().orElse(null));
        text(json, "hook_name", metadata.hookName().orElse(null));
        if (metadata.hookNameOut().isPresent()) {
            text(json, "hook_name_out", metadata.hookNameOut().orElse(null));
        }
        json.writeName("hook_head_index");
        if (metadata.head().isPresent()) {
            json.writeNumber(metadata.head().getAsInt());
        } else {
            json.writeNull();
        }
        metadata.contextSize().ifPresent(size -> json.writeNumberProperty("context_size", size));
        metadata.prependBos().ifPresent(begun -> json.writeBooleanProperty("prepend_bos", begun));
        metadata.centred().ifPresent(centred -> {
            json.writeObjectPropertyStart("model_from_pretrained_kwargs");
            json.writeBooleanProperty(ProcessingStep.CENTER_WRITING_WEIGHTS.toString(), centred);
            // SAELens gives these to TransformerLens's from_pretrained_no_processing, where each is false by default.
            metadata.processing().orElse(List.of()).stream()
                    .filter(step -> step != ProcessingStep.CENTER_WRITING_WEIGHTS)
                    .forEach(step -> json.writeBooleanProperty(step.toString(), true));
            json.writeEndObject();
        });
        if (!metadata.excludedTokens().isEmpty()) {
            json.writeArrayPropertyStart("exclude_special_tokens");
            metadata.excludedTokens().forEach(json::writeNumber);
            json.writeEndArray();
        }
        metadata.more().forEach((key, value) -> {
            if (!WRITTEN.contains(key)) {
                Json.read(InputErrors.INSTANCE, key, value.getBytes(StandardCharsets.UTF_8))
                        .write(key, json);
            }
        });
    }

    private static void text(JsonGenerator json, String key, @Nullable String value) {
        if (value != null) {
            json.writeStringProperty(key, value);
        } else {
            json.writeNullProperty(key);
        }
    }

    private record Tensor(float[] values, List<Long> shape) {}

    private static Map<String, Tensor> tensors(SparseAutoencoder sae) {
        SaeConfig config = sae.config();
        SaeParameters p = sae.parameters();
        long n = config.latents();
        long sites = config.sites();
        long d = config.dIn();
        Map<String, Tensor> tensors = new LinkedHashMap<>();
        if (p.encoder().length > 0) {
            float[] encoder = Tensors.transposed(p.encoder(), config.latents(), config.dIn());
            tensors.put("W_enc", new Tensor(encoder, sites > 1 ? List.of(sites, d / sites, n) : List.of(d, n)));
        }
        tensors.put(
                "W_dec",
                new Tensor(p.decoder(), sites > 1 ? List.of(n, sites, d / sites) : List.of(n, (long) config.dOut())));
        tensors.put(
                "b_dec",
                new Tensor(p.decoderBias(), sites > 1 ? List.of(sites, d / sites) : List.of((long) config.dOut())));
        vector(tensors, "b_enc", p.encoderBias());
        vector(tensors, "threshold", p.threshold());
        vector(tensors, "b_gate", p.gateBias());
        vector(tensors, "b_mag", p.magnitudeBias());
        vector(tensors, "r_mag", p.magnitudeScale());
        if (p.skip().length > 0) {
            tensors.put("W_skip", new Tensor(p.skip(), List.of((long) config.dOut(), d)));
        }
        return tensors;
    }

    private static void vector(Map<String, Tensor> tensors, String name, float[] values) {
        if (values.length > 0) {
            tensors.put(name, new Tensor(values, List.of((long) values.length)));
        }
    }

    private static void write(Path file, Map<String, Tensor> tensors) throws IOException {
        List<TensorEntry> entries = new ArrayList<>();
        tensors.forEach((name, tensor) -> entries.add(new TensorEntry(name, Dtype.F32, tensor.shape())));
        SafetensorsLayout layout = SafetensorsLayout.of(entries, Map.of("format", "pt"));
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            TensorFileWriter writer = new TensorFileWriter(channel, layout);
            for (Map.Entry<String, Tensor> tensor : tensors.entrySet()) {
                float[] values = tensor.getValue().values();
                writer.append(tensor.getKey(), values, 0, values.length);
            }
            writer.finish();
        }
    }
}
