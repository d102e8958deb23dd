package dev.hyaline.analysis.laboratory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.ComponentAt;
import dev.hyaline.analysis.investigation.ClaimComponent.LatentComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Investigation;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.sparse.LatentActivation;
import dev.hyaline.analysis.sparse.SaeConfig;
import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.analysis.sparse.SaeParameters;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.file.SaeFiles;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.sparse.splice.LatentSweep;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Claims about latents of an autoencoder whose first ones are the planted heads' output, digit by digit. */
final class LatentClaimTest {
    private static final int WIDTH = 96;
    private static final int LATENTS = 16;
    private static final String SITE = "blocks.0.hook_attn_out";

    @TempDir
    static Path shared;

    private static Path done;
    private static StudyReport report;

    /** A latent reads and writes one dimension: a digit's of what the planted heads write, or one of noise. */
    private static SparseAutoencoder autoencoder(float bias) {
        float[] rows = new float[LATENTS * WIDTH];
        for (int latent = 0; latent < LATENTS; latent++) {
            rows[latent * WIDTH + (latent < CopyingModel.DIGITS ? 2 * CopyingModel.DIGITS : 40) + latent] = 1;
        }
        float[] biases = new float[LATENTS];
        Arrays.fill(biases, 0, CopyingModel.DIGITS, bias);
        return SparseAutoencoder.of(
                SaeConfig.of(WIDTH, LATENTS, new LatentActivation.Relu()),
                SaeParameters.of(rows, biases, rows.clone(), new float[WIDTH]),
                SaeMetadata.unknown().at("planted", SITE));
    }

    private static Investigation investigation() {
        String digits = IntStream.range(0, CopyingModel.DIGITS)
                .mapToObj(digit -> "\"sae:copy[" + digit + "]\"")
                .toList()
                .toString();
        return Investigation.parse("latents.json", """
            {"format": "hyaline-investigation/1", "model": "planted", "behaviour": {},
             "prompts": {"pairs": "pairs.json", "draw": {"discovery": 32, "held_out": 16}, "reference": "corrupted"},
             "saes": {"copy": "sae"},
             "design": {"pilot": 4}, "alternatives": ["random-components"], "sanity": "none", "robustness": "none",
             "claims": [
              {"name": "needed", "do": "ablate", "components": %1$s, "expect": {"decrease": 1.5}},
              {"name": "needed at the end", "do": "ablate", "ablation": "zero", "components": %2$s,
               "expect": {"decrease": 1.5}},
              {"name": "idle", "do": "ablate", "components": ["sae:copy[8]", "sae:copy[13]"],
               "expect": {"no_effect": 0.5}},
              {"name": "set", "do": "force", "force": "set", "value": 0, "components": %1$s,
               "expect": {"decrease": 1.5}},
              {"name": "given back", "do": "force", "force": "donor", "into": "corrupted", "components": %1$s,
               "expect": {"increase": 3}},
              {"name": "patched", "do": "patch", "direction": "denoising", "components": %1$s,
               "expect": {"increase": 3}},
              {"name": "steered", "do": "steer", "components": "sae:copy[2]", "expect": {"no_effect": 2}}]}
            """.formatted(digits, digits.replace("]\"", "]@end\"")));
    }

    private static StudyReport study(Path folder, int threads) throws IOException {
        try (Gpt2 planted = CopyingModel.of(1);
                Gpt2 model = Gpt2.of(planted.weights(), threads)) {
            return Laboratory.of(new StudyModel("planted", model))
                    .in(folder)
                    .pairsFrom(shared)
                    .run(investigation(), StudyProgress.NONE);
        }
    }

    @BeforeAll
    static void study() throws IOException {
        Files.writeString(shared.resolve("pairs.json"), CopyingModel.pairs(120, 3));
        SaeFiles.write(autoencoder(-1), shared.resolve("sae"), new float[0]);
        done = shared.resolve("done");
        report = study(done, 2);
    }

    @Test
    void whatTheLatentsCarryIsConfirmed() {
        assertThat(report.claims())
                .extracting(claim -> claim.name() + ": " + claim.verdict())
                .containsExactly(
                        "needed: confirmed",
                        "needed at the end: confirmed",
                        "idle: confirmed",
                        "set: confirmed",
                        "given back: confirmed",
                        "patched: confirmed",
                        "steered: confirmed");
        assertThat(report.claims().getFirst().sentence()).startsWith("ablating sae:copy[0], sae:copy[1]");
        StudyFiles files = new StudyFiles(done);
        assertThat(files.json(FormalisePhase.PATH)
                        .require("saes")
                        .require("copy")
                        .string())
                .hasSize(64);
        assertThat(files.json(DesignPhase.LOCK).toString()).contains("sae:copy");
        List<Json> forces = files.json(StudyForces.PATH).require("claims").elements();
        assertThat(forces).allMatch(force -> force.nullable("problem").isEmpty());
        // Random latents of those that fire do not do as well.
        List<Json> rivals =
                files.json(FurtherTests.RIVALS).require("alternatives").elements();
        assertThat(rivals.getFirst().require("claim").string()).isEqualTo("needed");
        assertThat(rivals.getFirst().require("excluded").bool()).isTrue();
    }

    @Test
    void threadsAndASecondRunGiveTheSameBytes(@TempDir Path folder) throws IOException {
        study(folder.resolve("one"), 1);
        for (String phase : Laboratory.PHASES) {
            assertThat(StudyDifference.find(phase, new StudyFiles(done), new StudyFiles(folder.resolve("one"))))
                    .isNull();
        }
        try (Gpt2 model = CopyingModel.of(1)) {
            // Where the files came from is in run.json.
            assertThat(Laboratory.of(new StudyModel("planted", model))
                            .verify(done, Files.createDirectory(folder.resolve("again")), StudyProgress.NONE))
                    .isNull();
        }
    }

    @Test
    void ablationKeepsWhatTheAutoencoderMisses() {
        try (Gpt2 model = CopyingModel.of(1)) {
            Evidence plain = StudyPrompts.read(new StudyFiles(done), DesignPhase.PROMPTS)
                    .discoveryHalf()
                    .prompts()
                    .evidence(model, investigation().behaviour().measure());
            Attachment attachment = Attachment.of(autoencoder(-1), model);
            Evidence evidence = plain.autoencoders(Map.of("copy", attachment));
            Treatment ablate = new Treatment.AblateComponents(Replacement.ZERO);
            double[][] swept = new double[3][];
            ResultTable table = plain.experiment()
                    .sweep(LatentSweep.of(attachment, 0, 3, 9), SweepOptions.none())
                    .table();
            Arrays.setAll(swept, table::values);
            int at = 0;
            for (int latent : new int[] {0, 3, 9}) {
                assertThat(evidence.run(ablate, List.of(new LatentComponent("copy", latent))))
                        .containsExactly(swept[at++]);
            }
            // With its own value a latent is as it was, to the last bit.
            double[] same = evidence.edited(
                            "the same values",
                            Side.CLEAN,
                            List.of(pair -> evidence.latentEdits(
                                    List.of(new LatentComponent("copy", 3)),
                                    pair,
                                    (latent, position) -> evidence.latentValue(Side.CLEAN, latent, pair, position))))[
                    0];
            assertThat(same).containsExactly(evidence.clean());
            // One autoencoder's latents are edited together, each from the values that it had.
            List<ClaimComponent> both = List.of(new LatentComponent("copy", 0), new LatentComponent("copy", 3));
            List<ClaimComponent> turned = both.reversed();
            assertThat(evidence.run(ablate, both)).containsExactly(evidence.run(ablate, turned));
            assertThat(evidence.latentEdits(both, 0, (latent, position) -> 0)).hasSize(1);
            List<ClaimComponent> atSource = List.of(new ComponentAt(new LatentComponent("copy", 3), "source"));
            assertThat(evidence.latentEdits(atSource, 0, (latent, position) -> Float.NaN))
                    .isEmpty();
            assertThat(evidence.firing("copy")).contains(0, 1, 2, 3, 4, 5, 6, 7);
            // The mean of the reference prompts, by hand.
            double[] mean = evidence.run(
                    new Treatment.AblateComponents(Replacement.MEAN), List.of(new LatentComponent("copy", 9)));
            assertThat(mean[0]).isCloseTo(evidence.clean()[0], within(0.1)).isNotEqualTo(evidence.clean()[0]);
            assertThatThrownBy(() -> evidence.run(ablate, List.of(new LatentComponent("copy", 16))))
                    .isInstanceOf(BadInputException.class)
                    .hasMessage("there is no sae:copy[16]: the autoencoder has latents 0 to 15");
            assertThatThrownBy(() -> plain.run(ablate, List.of(new LatentComponent("copy", 1))))
                    .hasMessage("there is no autoencoder \"copy\" in the evidence");
        }
    }

    @Test
    void anotherAutoencoderIsAnotherStudy(@TempDir Path folder) throws IOException {
        Files.copy(shared.resolve("pairs.json"), folder.resolve("pairs.json"));
        Path sae = folder.resolve("sae");
        Investigation investigation = investigation();
        try (Gpt2 model = CopyingModel.of(1)) {
            Laboratory laboratory = Laboratory.of(new StudyModel("planted", model))
                    .in(folder.resolve("study"))
                    .pairsFrom(folder)
                    .until(DesignPhase.NAME);
            assertThatThrownBy(() -> laboratory.run(investigation, StudyProgress.NONE))
                    .hasMessageContaining(sae.toString());
            SaeFiles.write(autoencoder(-1), sae, new float[0]);
            laboratory.run(investigation, StudyProgress.NONE);
            try (Stream<Path> files = Files.list(sae)) {
                for (Path file : files.toList()) {
                    Files.delete(file);
                }
            }
            Files.delete(sae);
            SaeFiles.write(autoencoder(-2), sae, new float[0]);
            laboratory.run(investigation, StudyProgress.NONE);
            try (Stream<Path> kept = Files.list(folder.resolve("study"))) {
                assertThat(kept.map(path -> path.getFileName().toString()))
                        .anyMatch(name -> name.startsWith("earlier-"));
            }
            Investigation missing = Investigation.parse(
                    "a.json",
                    new String(investigation.toJson(), StandardCharsets.UTF_8).replace("sae:copy[8]", "sae:copy[99]"));
            assertThatThrownBy(() -> laboratory.run(missing, StudyProgress.NONE))
                    .hasMessage("claim \"idle\": there is no sae:copy[99]: the autoencoder has latents 0 to 15");
        }
    }
}
