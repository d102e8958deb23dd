package dev.hyaline.analysis.sparse.file;

import static dev.hyaline.analysis.sparse.SparseGolden.assertClose;
import static dev.hyaline.analysis.sparse.SparseGolden.floats;
import static dev.hyaline.analysis.sparse.SparseGolden.path;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.analysis.sparse.LatentActivation;
import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.Normalization;
import dev.hyaline.analysis.sparse.SaeConfig;
import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.analysis.sparse.SaeParameters;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.SparseGolden;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.files.Dtype;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.TensorValues;
import dev.hyaline.instrument.weights.ProcessingStep;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SaeFilesTest {
    private static final TensorValues FABLE = SparseGolden.values("fable/expected.safetensors");
    private static final TensorValues FORMATS = SparseGolden.values("formats/expected.safetensors");

    @TempDir
    private Path temporary;

    @ParameterizedTest
    @ValueSource(strings = {"standard", "gated", "topk", "batchtopk", "matryoshka", "jumprelu"})
    void foldersOfSaeLensGiveTheReferenceValues(String name) {
        SparseAutoencoder sae = SaeFiles.read(path("fable/" + name)).autoencoder();
        float[] x = floats(FABLE, "resid_post");
        assertClose("acts", sae.encode(x).dense(), floats(FABLE, "acts." + name), 1e-5);
        assertClose("recon", sae.reconstruct(x), floats(FABLE, "recon." + name), 1e-5);
        assertThat(sae.metadata().hookName()).contains("blocks.2.hook_resid_post");
        assertThat(sae.metadata().centred()).contains(false);
        assertThat(sae.metadata().excludedTokens()).containsExactly(1535);
    }

    @Test
    void aCheckpointWithItsFactorIsTheSaeThatWasExportedFromIt() {
        SaeFile checkpoint = SaeFiles.read(path("fable/checkpoint-batchtopk"));
        assertThat(checkpoint.autoencoder().config().normalization()).isInstanceOf(Normalization.Factor.class);
        float[] x = floats(FABLE, "resid_post");
        Latents expected = SaeFiles.read(path("fable/batchtopk")).autoencoder().encode(x);
        assertThat(checkpoint.autoencoder().encode(x).count()).isEqualTo(expected.count());
        assertClose("recon", checkpoint.autoencoder().reconstruct(x), floats(FABLE, "recon.batchtopk"), 1e-5);
        SparseAutoencoder folded = checkpoint.autoencoder().foldNormalization();
        assertThat(folded.encode(x).count()).isEqualTo(expected.count());
        assertClose("recon", folded.reconstruct(x), floats(FABLE, "recon.batchtopk"), 1e-5);
    }

    @ParameterizedTest
    @CsvSource({
        "hook-z, blocks.2.attn.hook_z",
        "topk-layer-norm, blocks.2.hook_resid_post",
        "transcoder, blocks.2.ln2.hook_normalized",
        "skip_transcoder, blocks.2.ln2.hook_normalized",
        "jumprelu_transcoder, blocks.2.ln2.hook_normalized",
        "legacy-centred, blocks.2.hook_resid_post"
    })
    void theOtherFoldersOfSaeLensOpen(String name, String hook) {
        SaeFile file = SaeFiles.read(path("fable/" + name));
        SparseAutoencoder sae = file.autoencoder();
        assertThat(sae.metadata().hookName()).contains(hook);
        assertThat(file.format()).isEqualTo(SaeFormat.SAELENS);
        assertThat(sae.config().transcoder()).isEqualTo(name.endsWith("transcoder"));
        assertThat(sae.parameters().skip().length > 0).isEqualTo(name.startsWith("skip"));
        assertThat(sae.metadata().centred()).contains(name.startsWith("legacy"));
        assertThat(file.logDensities()).hasSize(256);
        if (name.startsWith("topk")) {
            assertThat(sae.config().activation()).isEqualTo(new LatentActivation.TopK(12, false));
            assertThat(sae.config().normalization()).isEqualTo(new Normalization.LayerNorm());
        }
    }

    @ParameterizedTest
    @CsvSource({
        "dictionary_learning/standard, dictionary_learning.standard",
        "dictionary_learning/april, dictionary_learning.april",
        "dictionary_learning/gated, dictionary_learning.gated",
        "dictionary_learning/topk, dictionary_learning.topk",
        "dictionary_learning/batchtopk, dictionary_learning.batchtopk",
        "dictionary_learning/matryoshka, dictionary_learning.matryoshka",
        "dictionary_learning/jumprelu, dictionary_learning.jumprelu",
        "sparsify/h.1, sparsify.h.1",
        "sparsify/h.2, sparsify.h.2",
        "sparsify/h.2.mlp, sparsify.h.2.mlp",
        "openai/v1.pt, openai.v1",
        "openai/v5.pt, openai.v5"
    })
    void otherProjectsFilesGiveTheReferenceValues(String file, String name) {
        SparseAutoencoder sae = SaeFiles.read(path("formats/" + file)).autoencoder();
        float[] x = floats(FORMATS, "x");
        assertClose("acts", sae.encode(x).dense(), floats(FORMATS, name + ".acts"), 1e-5);
        assertClose("recon", sae.reconstruct(x), floats(FORMATS, name + ".recon"), 1e-5);
    }

    @Test
    void sitesAreReadFromWhatProjectsCallThem() {
        assertThat(SaeFiles.read(path("formats/dictionary_learning/topk"))
                        .autoencoder()
                        .metadata()
                        .hookName())
                .contains("blocks.2.hook_resid_post");
        assertThat(SaeFiles.read(path("formats/sparsify/h.2"))
                        .autoencoder()
                        .metadata()
                        .hookName())
                .contains("blocks.2.hook_resid_post");
        SaeFile mlp = SaeFiles.read(path("formats/sparsify/h.2.mlp"));
        assertThat(mlp.autoencoder().metadata().hookNameOut()).contains("blocks.2.hook_mlp_out");
        assertThat(mlp.notes()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "standard",
                "gated",
                "topk",
                "jumprelu",
                "transcoder",
                "skip_transcoder",
                "jumprelu_transcoder",
                "topk-layer-norm",
                "checkpoint-batchtopk"
            })
    void whatIsWrittenIsReadAsTheSame(String name) throws IOException {
        SparseAutoencoder sae = SaeFiles.read(path("fable/" + name)).autoencoder();
        Path folder = temporary.resolve("written");
        float[] densities = new float[256];
        densities[3] = 0.5f;
        SaeFiles.write(sae, folder, densities);
        SaeFile again = SaeFiles.read(folder);
        float[] x = floats(FABLE, "resid_post");
        assertClose("recon", again.autoencoder().reconstruct(x), sae.reconstruct(x), 1e-6);
        assertThat(again.autoencoder().encode(x).count())
                .isEqualTo(sae.encode(x).count());
        assertThat(again.logDensities()[3]).isCloseTo(-0.30103f, org.assertj.core.api.Assertions.within(1e-5f));
        assertThat(again.autoencoder().metadata().hookName())
                .isEqualTo(sae.metadata().hookName());
        assertThat(again.autoencoder().metadata().centred())
                .isEqualTo(sae.metadata().centred());
        String cfg = Files.readString(folder.resolve("cfg.json"));
        assertThat(cfg)
                .contains(
                        name.startsWith("checkpoint")
                                ? "\"architecture\" : \"jumprelu\""
                                : "\"architecture\" : \"" + sae(name) + "\"")
                .contains("\"sae_lens_version\" : \"6.18.0\"");
        assertThatThrownBy(() -> SaeFiles.write(sae, folder, new float[0])).isInstanceOf(BadInputException.class);
    }

    @Test
    void theProcessingOfWeightsIsReadBack() {
        SparseAutoencoder sae = SaeFiles.read(path("fable/topk")).autoencoder();
        assertThat(sae.metadata().processing()).contains(List.of());
        SaeMetadata folded = sae.metadata().processed(List.of(ProcessingStep.FOLD_LN, ProcessingStep.CENTER_UNEMBED));
        Path folder = temporary.resolve("folded");
        SaeFiles.write(SparseAutoencoder.of(sae.config(), sae.parameters(), folded), folder, new float[0]);
        SaeMetadata again = SaeFiles.read(folder).autoencoder().metadata();
        assertThat(again.processing()).isEqualTo(folded.processing());
        assertThat(again.centred()).contains(false);
        assertThat(again.toString()).contains("fold_ln, center_unembed");
    }

    private static String sae(String name) {
        return name.equals("topk-layer-norm") ? "topk" : name;
    }

    @Test
    void crosscodersAndMatchingPursuitAreWrittenAndRead() {
        Random random = new Random(3);
        float[] weights = new float[5 * 6];
        for (int i = 0; i < weights.length; i++) {
            weights[i] = (float) random.nextGaussian();
        }
        SparseAutoencoder crosscoder = SparseAutoencoder.of(
                new SaeConfig(6, 6, 5, 2, false, false, Normalization.none(), new LatentActivation.Relu()),
                SaeParameters.of(weights, new float[5], weights.clone(), new float[6]),
                SaeMetadata.unknown());
        float[] x = {1, 2, 3, 4, 5, 6};
        SaeFiles.write(crosscoder, temporary.resolve("cross"), new float[0]);
        SparseAutoencoder again = SaeFiles.read(temporary.resolve("cross")).autoencoder();
        assertThat(again.config()).isEqualTo(crosscoder.config());
        assertThat(again.reconstruct(x)).isEqualTo(crosscoder.reconstruct(x));

        SparseAutoencoder pursuit = SparseAutoencoder.of(
                SaeConfig.of(6, 5, new LatentActivation.MatchingPursuit(0.25f, 9)),
                SaeParameters.of(new float[0], new float[0], weights, new float[6]),
                SaeMetadata.unknown());
        SaeFiles.write(pursuit, temporary.resolve("pursuit"), new float[0]);
        assertThat(SaeFiles.read(temporary.resolve("pursuit")).autoencoder().config())
                .isEqualTo(pursuit.config());
    }

    @Test
    void gemmaScopesArchiveIsReadAsJumpRelu() throws IOException {
        Path file = temporary.resolve("params.npz");
        try (OutputStream out = Files.newOutputStream(file);
                ZipOutputStream zip = new ZipOutputStream(out)) {
            npy(zip, "W_enc", "(2, 3)", 1, 0, 0, 0, 1, 0);
            npy(zip, "W_dec", "(3, 2)", 1, 0, 0, 1, 0, 0);
            npy(zip, "b_enc", "(3,)", 0, 0, 5);
            npy(zip, "b_dec", "(2,)", 0.5f, 0);
            npy(zip, "threshold", "(3,)", 1, 4, 9);
        }
        SparseAutoencoder sae = SaeFiles.read(temporary).autoencoder();
        assertThat(sae.config().activation()).isEqualTo(new LatentActivation.JumpRelu());
        assertThat(sae.encode(new float[] {2, 3}).dense()).containsExactly(2, 0, 0);
        assertThat(sae.reconstruct(new float[] {2, 3})).containsExactly(2.5f, 0);
    }

    private static void npy(ZipOutputStream zip, String name, String shape, float... values) throws IOException {
        String dict = "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }";
        String header = dict + " ".repeat(117 - dict.length()) + "\n";
        ByteBuffer bytes = ByteBuffer.allocate(10 + 118 + 4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.put("\u0093NUMPY".getBytes(StandardCharsets.ISO_8859_1))
                .put((byte) 1)
                .put((byte) 0);
        bytes.putShort((short) 118).put(header.getBytes(StandardCharsets.ISO_8859_1));
        for (float value : values) {
            bytes.putFloat(value);
        }
        ZipEntry entry = new ZipEntry(name + ".npy");
        CRC32 crc = new CRC32();
        crc.update(bytes.array());
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(bytes.array().length);
        entry.setCompressedSize(bytes.array().length);
        entry.setCrc(crc.getValue());
        zip.putNextEntry(entry);
        zip.write(bytes.array());
        zip.closeEntry();
    }

    @Test
    void brokenFoldersAreRefusedInOneSentence() throws IOException {
        Path folder = temporary.resolve("broken");
        Files.createDirectory(folder);
        assertThatThrownBy(() -> SaeFiles.read(folder))
                .isInstanceOf(BadCheckpointException.class)
                .hasMessageContaining("sae_weights.safetensors");
        Path source = path("fable/topk");
        Files.copy(source.resolve("sae_weights.safetensors"), folder.resolve("sae_weights.safetensors"));
        String cfg = Files.readString(source.resolve("cfg.json"));
        for (List<String> change : List.of(
                List.of("\"architecture\": \"topk\"", "\"architecture\": \"temporal\"", "architecture"),
                List.of("\"k\": 12", "\"k\": 0", "k to be"),
                List.of("\"k\": 12,", "", "a key k"),
                List.of("\"architecture\": \"topk\"", "\"architecture\": \"jumprelu\"", "threshold"),
                List.of("\"d_sae\": 256", "\"d_sae\": 255", "d_sae"),
                List.of("\"normalize_activations\": \"none\"", "\"normalize_activations\": \"l2\"", "normalize"))) {
            assertThat(cfg).contains(change.get(0));
            Files.writeString(folder.resolve("cfg.json"), cfg.replace(change.get(0), change.get(1)));
            assertThatThrownBy(() -> SaeFiles.read(folder))
                    .as(change.get(1))
                    .isInstanceOf(HyalineException.class)
                    .hasMessageContaining(change.get(2));
        }
    }

    /** A top-k file of old keys must never be loaded as ReLU. */
    @Test
    void oldKeysSayWhichActivationItIs() throws IOException {
        Path folder = temporary.resolve("old");
        Files.createDirectory(folder);
        Path source = path("fable/legacy-centred");
        Files.copy(source.resolve("sae_weights.safetensors"), folder.resolve("sae_weights.safetensors"));
        String cfg = Files.readString(source.resolve("cfg.json"));
        Files.writeString(
                folder.resolve("cfg.json"),
                cfg.replaceFirst("\\{", "{\"activation_fn_str\": \"topk\", \"activation_fn_kwargs\": {\"k\": 7},"));
        SparseAutoencoder sae = SaeFiles.read(folder).autoencoder();
        Latents latents = sae.encode(floats(FABLE, "resid_post"));
        assertThat(sae.config().activation()).isEqualTo(new LatentActivation.TopK(7, false));
        for (int t = 0; t < latents.tokens(); t++) {
            assertThat(latents.offsets()[t + 1] - latents.offsets()[t]).isLessThanOrEqualTo(7);
        }
    }

    /** A configuration and weights of different types, as SAELens#233 had them: all is float32 here, and says so. */
    @ParameterizedTest
    @CsvSource({"torch.bfloat16, F32", "float64, F32", "float32, BF16"})
    void configurationAndWeightsHaveOneType(String dtype, Dtype stored) throws IOException {
        Path source = path("fable/topk");
        Path folder = temporary.resolve("typed");
        Files.createDirectory(folder);
        String cfg = Files.readString(source.resolve("cfg.json"));
        assertThat(cfg).contains("\"dtype\": \"float32\"");
        Files.writeString(
                folder.resolve("cfg.json"), cfg.replace("\"dtype\": \"float32\"", "\"dtype\": \"" + dtype + "\""));
        SparseAutoencoder plain = SaeFiles.read(source).autoencoder();
        if (stored == Dtype.BF16) {
            writeHalf(plain, folder.resolve("sae_weights.safetensors"));
        } else {
            Files.copy(source.resolve("sae_weights.safetensors"), folder.resolve("sae_weights.safetensors"));
        }
        SparseAutoencoder read = SaeFiles.read(folder).autoencoder();
        float[] decoder = plain.parameters().decoder().clone();
        for (int i = 0; i < decoder.length && stored == Dtype.BF16; i++) {
            decoder[i] = Float.intBitsToFloat(Float.floatToRawIntBits(decoder[i]) & 0xFFFF0000);
        }
        assertThat(read.parameters().decoder()).isEqualTo(decoder);
        SaeFiles.write(read, temporary.resolve("again"), new float[0]);
        assertThat(Files.readString(temporary.resolve("again/cfg.json"))).contains("\"dtype\" : \"float32\"");
        TensorValues written =
                TensorValues.open(temporary.resolve("again/sae_weights.safetensors"), InputErrors.INSTANCE);
        assertThat(written.floats("W_dec", 0, decoder.length)).isEqualTo(decoder);
        assertThat(new String(
                        Files.readAllBytes(temporary.resolve("again/sae_weights.safetensors")),
                        StandardCharsets.ISO_8859_1))
                .contains("\"F32\"")
                .doesNotContain("\"BF16\"");
    }

    /** The weights of a top-k autoencoder, cut to bfloat16. */
    private static void writeHalf(SparseAutoencoder sae, Path file) throws IOException {
        SaeParameters p = sae.parameters();
        int n = sae.config().latents();
        int d = sae.config().dIn();
        Map<String, float[]> tensors = new LinkedHashMap<>();
        tensors.put("W_enc", Tensors.transposed(p.encoder(), n, d));
        tensors.put("W_dec", p.decoder());
        tensors.put("b_enc", p.encoderBias());
        tensors.put("b_dec", p.decoderBias());
        Map<String, String> shapes =
                Map.of("W_enc", d + "," + n, "W_dec", n + "," + d, "b_enc", "" + n, "b_dec", "" + d);
        StringBuilder header = new StringBuilder("{");
        int at = 0;
        for (Map.Entry<String, float[]> tensor : tensors.entrySet()) {
            int end = at + 2 * tensor.getValue().length;
            header.append(at == 0 ? "" : ",")
                    .append("\"" + tensor.getKey() + "\":{\"dtype\":\"BF16\",\"shape\":[" + shapes.get(tensor.getKey())
                            + "],\"data_offsets\":[" + at + "," + end + "]}");
            at = end;
        }
        byte[] json = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(8 + json.length + at).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(json.length).put(json);
        for (float[] values : tensors.values()) {
            for (float value : values) {
                bytes.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
            }
        }
        Files.write(file, bytes.array());
    }
}
