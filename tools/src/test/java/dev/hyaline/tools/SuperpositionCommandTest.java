package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** {@code hyaline superposition}. */
final class SuperpositionCommandTest {
    @TempDir
    private Path folder;

    private List<String> names(String inside) throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve(inside))) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    /** Runs the command as a process of its own. */
    private String path(String name) {
        return folder.resolve(name).toString();
    }

    @Test
    void helpHasExamplesAndFitsTheScreen() {
        String help = Outcome.of("superposition", "--help").succeeded().out();
        assertThat(help)
                .contains("Usage: hyaline superposition", "  hyaline superposition --toy")
                .doesNotContain("${", "null");
        assertThat(help.lines()).allMatch(line -> line.length() <= 100);
    }

    @Test
    void toyModelsOfOnesOwnReachTheirPhase() throws Exception {
        Outcome outcome = Outcome.of(
                        "superposition",
                        "--toy",
                        "--features",
                        "4",
                        "--hidden",
                        "2",
                        "--densities",
                        "1,0.1",
                        "--instances",
                        "2",
                        "--toy-steps",
                        "1500",
                        "--out",
                        path("toys"))
                .succeeded();
        assertThat(outcome.out())
                .contains("models: 4 features in 2 dimensions", "4 of 4", "4 digon", "Wrote toy.csv")
                .doesNotContain("NaN");
        assertThat(names("toys"))
                .containsExactly(
                        "toy-models-dimensionality.png",
                        "toy-models-dimensionality.svg",
                        "toy-models-plane.png",
                        "toy-models-plane.svg",
                        "toy-models-weights.png",
                        "toy-models-weights.svg",
                        "toy.csv",
                        "toy.json");
        List<String> lines = Files.readAllLines(folder.resolve("toys/toy.csv"));
        assertThat(lines).hasSize(9);
        assertThat(lines.getFirst()).startsWith("group,features,hidden,decay,linear,density,seed,loss,feature,length");
        assertThat(lines.getLast()).startsWith("models,4,2,1.0,false,0.1,").endsWith(",digon");
        assertThat(Files.readString(folder.resolve("toys/toy-models-plane.svg")))
                .contains("p = 0.1", "4 of 4 represented", "feature 3: dimensionality 0.50");
        Outcome again =
                Outcome.of("superposition", "--toy", "--features", "4", "--toy-steps", "1", "--out", path("toys"));
        assertThat(again.exitCode()).isEqualTo(2);
        assertThat(again.err()).contains("toy.csv exists already; choose another folder");
    }

    @Test
    void allKnownPicturesAreDrawnAndPrintedAsJson() throws Exception {
        JsonNode json = Outcome.of(
                        "superposition",
                        "--toy",
                        "--toy-steps",
                        "2",
                        "--instances",
                        "1",
                        "--json",
                        "--out",
                        path("known"))
                .succeeded()
                .json();
        assertThat(json.at("/toys")).hasSize(31);
        assertThat(json.at("/toys/0/group").asString()).isEqualTo("weights");
        assertThat(json.at("/toys/0/dimensionality")).hasSize(20);
        assertThat(json.at("/toys/30/density").asDouble()).isCloseTo(1.0 / 30, within(1e-4));
        assertThat(names("known"))
                .containsExactly(
                        "toy-dimensionality.png",
                        "toy-dimensionality.svg",
                        "toy-plane.png",
                        "toy-plane.svg",
                        "toy-weights.png",
                        "toy-weights.svg",
                        "toy.csv",
                        "toy.json");
        assertThat(Files.readString(folder.resolve("known/toy.json")))
                .startsWith("{\"made\":{")
                .contains("\"instances\":1,\"toys\":[{\"group\":\"weights\",\"features\":20,");
        assertThat(Files.readString(folder.resolve("known/toy-dimensionality.svg")))
                .contains("3/8  square antiprism", "2/3  triangle", "sparser to the right");
        assertThat(Files.readString(folder.resolve("known/toy-weights.svg")))
                .contains("p = 0.003", "features 0 and 0: ", "overlap");
    }

    @Test
    void aLayerIsStudied() throws Exception {
        Outcome outcome = Outcome.of(
                        "superposition",
                        "--site",
                        "resid_post",
                        "--layers",
                        "2",
                        "--texts",
                        "96",
                        "--context",
                        "32",
                        "--atoms",
                        "160",
                        "--samples",
                        "300",
                        "--k",
                        "6",
                        "--steps",
                        "8",
                        "--batch",
                        "64",
                        "--out",
                        path("layer"))
                .succeeded();
        assertThat(outcome.out())
                .contains(
                        "blocks.2.hook_resid_post of fable: 128 dimensions",
                        "sparse coding  ",
                        "at atoms a token (L0)",
                        "with permuted labels",
                        "sparse coding, another seed",
                        "autoencoder, another seed",
                        "on more than 10 %",
                        "The strongest features edited, sparse coding",
                        "at every token of 32 prompts of pronouns",
                        "of 39 random directions",
                        "rank p",
                        "Wrote features.csv, cosines.svg")
                .doesNotContain("NaN");
        assertThat(outcome.out().lines()).allMatch(line -> line.length() <= 100);
        assertThat(names("layer"))
                .contains(
                        "cosines.png",
                        "densities-autoencoder.svg",
                        "dimensionality.png",
                        "features.csv",
                        "interference-autoencoder.png",
                        "interference-sparse-coding.csv",
                        "interventions-autoencoder.json",
                        "interventions-sparse-coding.csv");
        List<String> lines = Files.readAllLines(folder.resolve("layer/features.csv"));
        assertThat(lines.getFirst()).startsWith("dictionary,atom,density,mean_square,dimensionality,largest_cosine");
        assertThat(lines).anyMatch(line -> line.startsWith("sparse coding,"));
        assertThat(lines).anyMatch(line -> line.startsWith("autoencoder,"));
        assertThat(lines).anyMatch(line -> line.contains("token '")).noneMatch(line -> line.contains("in token "));
        assertThat(Files.readString(folder.resolve("layer/cosines.svg")))
                .contains("random directions (160)", "cosine (interference)");
    }

    @Test
    void aStudyOfAGivenAutoencoderIsPrintedAsJson() {
        String sae = path("sae");
        Outcome.of(
                        "sae",
                        "train",
                        "--texts",
                        "8",
                        "--steps",
                        "4",
                        "--batch",
                        "32",
                        "--latents",
                        "64",
                        "--k",
                        "4",
                        "--site",
                        "blocks.1.hook_mlp_out",
                        "--out",
                        sae)
                .succeeded();
        JsonNode json = Outcome.of(
                        "superposition",
                        "--sae",
                        sae,
                        "--texts",
                        "96",
                        "--context",
                        "32",
                        "--atoms",
                        "64",
                        "--samples",
                        "100",
                        "--alpha",
                        "2",
                        "--interventions",
                        "19",
                        "--json")
                .succeeded()
                .json();
        assertThat(json.at("/interventions")).hasSize(2);
        assertThat(json.at("/interventions/0/random_directions").asInt()).isEqualTo(19);
        assertThat(json.at("/interventions/1/features")).hasSizeBetween(1, 8);
        assertThat(json.at("/interventions/0/features/0/verdict").asString()).contains("used");
        assertThat(json.at("/interventions/0/random_as_large")).hasSize(16);
        assertThat(json.at("/interventions/0/table/title").asString())
                .isEqualTo("Change of the logit difference when a feature is edited: sparse coding");
        assertThat(json.at("/dictionaries/0/density_median").asDouble()).isBetween(0.0, 1.0);
        assertThat(json.at("/site").asString()).isEqualTo("blocks.1.hook_mlp_out");
        assertThat(json.at("/alpha").asDouble()).isEqualTo(2);
        assertThat(json.at("/dictionaries")).hasSize(2);
        assertThat(json.at("/dictionaries/1/atoms").asInt()).isEqualTo(64);
        assertThat(json.at("/dictionaries/1/l0").asDouble()).isBetween(0.0, 4.0);
        assertThat(json.at("/dictionaries/0/cosine_histogram")).hasSize(101);
        assertThat(json.at("/dictionaries/0/interpretable/with_permuted_labels").isInt())
                .isTrue();
        assertThat(json.at("/stability")).hasSize(2);
        assertThat(json.at("/beside/random_directions/of").asInt()).isEqualTo(256);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--site nonsense | unknown hook point nonsense",
                "--site resid_post | a study is of one site, but --site and --layers name 4",
                "--site resid_post --layers 9 | there is no layer 9",
                "--layers x | --layers: 'x' is not a selection",
                "--site blocks.2.hook_resid_post --layers 1 | has no hook point in layers 1",
                "--site pattern --layers 1 | has no row a token to study",
                "--atoms 0 | --atoms must be at least 1, found 0",
                "--alpha 0 | --alpha must be a finite number above 0, found 0.0",
                "--alpha NaN | --alpha must be a finite number above 0, found NaN",
                "--samples 1 | --samples must be at least 2, found 1",
                "--k 0 | --k must be at least 1, found 0",
                "--steps 0 | --steps must be at least 1, found 0",
                "--interventions 18 | --interventions must be 0, or from 19 to 1000, found 18",
                "--interventions 1001 | --interventions must be 0, or from 19 to 1000, found 1001",
                "--toy --interventions 20 | --toy trains toy models, which have no site",
                "--batch 2000000 | --batch must be at most 1048576, found 2000000",
                "--sae /nowhere/at-all | /nowhere/at-all",
                "--toy --model gpt2 | --toy trains toy models, which need no --model and no texts",
                "--toy --prompt a | --toy trains toy models, which need no --model and no texts",
                "--toy --alpha 2 | --toy trains toy models, which have no site",
                "--toy --site resid_post | --toy trains toy models, which have no site",
                "--concepts /nowhere.json | /nowhere.json",
                "--texts 1 | a study needs at least 2 texts",
                "--texts 4 --context 8 | no set of tokens occurs 10 times",
                "--atoms 100000000 | at most 131072 atoms, found 100000000",
                "--features 5 | are for toy models (--toy)",
                "--toy --hidden 3 | say of how many features (--features)",
                "--toy --features 0 | --features, --hidden: a toy model has at least 1 feature and 1 dimension",
                "--toy --features 5 --hidden 0 | found 5 features in 0 dimensions",
                "--toy --features 2000 --hidden 2000 | at most 1048576 weights",
                "--toy --features 5 --densities 0.1,x | --densities: 'x' is no number",
                "--toy --features 5 --densities 0 | --densities: a probability is above 0 and at most 1, found 0",
                "--toy --features 5 --densities 0.5,2 | --densities: a probability is above 0 and at most 1, found 2",
                "--toy --features 5 --decay 0 | --decay must be above 0 and at most 1, found 0.0",
                "--toy --instances 0 | --instances must be from 1 to 1000, found 0",
                "--toy --toy-steps 0 | --toy-steps must be at least 1, found 0",
                "--toy --features five | Invalid value for option '--features'",
                "--toy --out= | --out needs a name",
                "--toy --linear | say of how many features (--features)"
            })
    void whatCannotBeIsToldInOneSentence(String arguments, String told) {
        String[] all = Stream.concat(Stream.of("superposition"), Stream.of(arguments.split(" ", -1)))
                .toArray(String[]::new);
        Outcome outcome = Outcome.of(all);
        assertThat(outcome.exitCode()).as(outcome.err()).isBetween(1, 2);
        assertThat(outcome.err()).contains(told);
        assertThat(outcome.err().lines().filter(line -> line.startsWith("hyaline: ")))
                .hasSize(1);
        assertThat(outcome.out()).isEmpty();
    }
}
