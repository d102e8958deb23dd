package dev.hyaline.analysis.investigation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.investigation.ClaimComponent.CircuitMembers;
import dev.hyaline.analysis.investigation.ClaimComponent.ComponentAt;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.LatentComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.MlpComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.NeuronComponent;
import dev.hyaline.analysis.investigation.Expectation.Decrease;
import dev.hyaline.analysis.investigation.Expectation.EffectAmount;
import dev.hyaline.analysis.investigation.Expectation.EffectUnit;
import dev.hyaline.analysis.investigation.StudyPlan.AutoencoderPlan;
import dev.hyaline.analysis.investigation.StudyPlan.CorpusPrompts;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.instrument.HookPoints;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Files of investigations: what they may leave out, and what they may not say. */
final class InvestigationFileTest {
    private static final String GOOD = """
        {"format": "hyaline-investigation/1", "model": "fable", "behaviour": {"task": "ioi"}, "prompts": {},
         "claims": [{"name": "needed", "do": "ablate", "components": ["1.3"], "expect": {"decrease": 1.5}}]}
        """;

    private static Investigation parse(String json) {
        return Investigation.parse("a.json", json);
    }

    private static Investigation again(Investigation investigation) {
        return parse(new String(investigation.toJson(), StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @ValueSource(strings = {"ioi", "induction", "greater-than"})
    void examplesAreReadFitTheirModelAndAreWrittenWhole(String name) {
        Investigation example = Investigation.example(name);
        assertThat(again(example)).isEqualTo(example);
        assertThat(again(example).toJson()).isEqualTo(example.toJson());
        assertThat(example.circuit()).isNotNull();
        assertThat(example.model()).isEqualTo("fable");
        try (Gpt2 fable = Fable.open()) {
            example.requireFits(fable.config());
        }
    }

    @Test
    void thereIsNoOtherExample() {
        assertThat(Investigation.examples()).containsExactly("ioi", "induction", "greater-than");
        assertThatThrownBy(() -> Investigation.example("io"))
                .isInstanceOf(BadInputException.class)
                .hasMessage("there is no example \"io\"; there are ioi, induction, greater-than");
    }

    @Test
    void everyDefaultIsWrittenOut() {
        assertThat(new String(parse(GOOD).toJson(), StandardCharsets.UTF_8)).isEqualTo("""
            {
              "format" : "hyaline-investigation/1",
              "title" : "ioi in fable",
              "model" : "fable",
              "seed" : 1,
              "behaviour" : {
                "task" : "ioi",
                "metric" : "logit-diff",
                "at" : "end",
                "present_if" : {
                  "mean_at_least" : 0.0,
                  "accuracy_at_least" : 0.5
                }
              },
              "prompts" : {
                "draw" : {
                  "discovery" : 48,
                  "held_out" : 48
                },
                "strata" : [ "template", "order" ],
                "split_by" : [ ],
                "reference" : "abc"
              },
              "smallest_effect" : {
                "value" : 0.1,
                "unit" : "gap"
              },
              "claims" : [ {
                "name" : "needed",
                "do" : "ablate",
                "ablation" : "mean-by-position",
                "components" : [ "1.3" ],
                "expect" : {
                  "decrease" : 1.5,
                  "unit" : "metric"
                },
                "primary" : true
              } ],
              "alternatives" : [ "random-components", "norm-matched", "position-only", "recency", "frequency-only", "shuffled-labels", "off-manifold", "self-repair" ],
              "specific_against" : [ ],
              "design" : {
                "alpha" : 0.05,
                "power" : 0.9,
                "pilot" : 12,
                "looks" : 1,
                "spending" : "obrien-fleming"
              },
              "sanity" : "all",
              "robustness" : "all"
            }
            """);
    }

    @Test
    void aFileIsExplained() {
        assertThat(Investigation.example("ioi").explain())
                .containsExactly(
                        "The behaviour is ioi by logit difference at end; it is there if the mean is at least 3.0 and"
                                + " 0.9 of the prompts are above 0.",
                        "The claims are tested on 48 pairs that share no token at IO, S1 with the 48 of the discovery"
                                + " half.",
                        "The circuit is what iterative ablation (mean-by-position) of heads leaves within 0.1 of the"
                                + " gap, on the discovery half.",
                        "Claim \"needed\": ablating circuit (mean-by-position) lowers it by at least 0.5 of the gap.",
                        "Claim \"enough\": keeping only circuit of all heads (mean-by-position) keeps at least 0.8 of"
                                + " the gap.",
                        "Claim \"inhibits\": ablating 1.0, 1.3 (mean-by-position) lowers it by at least 1.0 of the"
                                + " metric.",
                        "Claim \"looks at the subject\": the attention of 1.0, 1.3 from end to S2 is at least 0.3.",
                        "Claim \"steered\": making circuit[2.*] look from end at S1 lowers it by at least 0.5 of the"
                                + " gap.",
                        "Secondary claim \"idle\": ablating 0.0, 3.7 (mean-by-position) changes it by less than 0.5 of"
                                + " the metric.",
                        "Alternatives are tested: random-components, norm-matched, position-only, recency,"
                                + " frequency-only, shuffled-labels, off-manifold, self-repair.",
                        "The level is 0.025 one-sided (0.05 for a claim of no effect), adjusted by Holm over 5 primary"
                                + " claims; that takes at least 8 units.");
    }

    @Test
    void claimsAreOfAllKinds() {
        Investigation investigation = parse("""
            {"format": "hyaline-investigation/1", "model": "fable", "behaviour": {"metric": "logit-difference"},
             "prompts": {"pairs": "pairs.json"}, "circuit": {"ablation": "zero"},
             "claims": [
              {"name": "a", "do": "ablate", "components": ["1.3@S2", "mlp 2", "2.mlp[17]"], "expect": {"decrease": 1}},
              {"name": "b", "do": "patch", "direction": "denoising", "components": "circuit[2.*]@end",
               "expect": {"increase": 0.25, "unit": "gap"}},
              {"name": "c", "do": "path", "components": "1.3", "to": ["a2.h2<q>", "logits"],
               "expect": {"share_of_path_at_least": 0.5}},
              {"name": "d", "do": "keep-only", "of": "heads-and-mlps", "components": ["circuit", "mlp 0"],
               "expect": {"faithfulness_at_least": 0.8}},
              {"name": "e", "do": "ablate", "components": "blocks.1.hook_resid_post@S2",
               "expect": {"no_effect": 0.5}, "primary": false}]}
            """);
        assertThat(investigation.claims().getFirst())
                .isEqualTo(new Claim(
                        "a",
                        new Treatment.AblateComponents(Treatment.Replacement.ZERO),
                        List.of(
                                new ComponentAt(new HeadComponent(1, 3), "S2"),
                                new MlpComponent(2),
                                new NeuronComponent(2, 17)),
                        new Decrease(new EffectAmount(1, EffectUnit.METRIC)),
                        true));
        assertThat(investigation.claims().get(1).treatment())
                .isEqualTo(new Treatment.PatchComponents(PatchingDirection.DENOISING));
        assertThat(investigation.claims().get(1).components())
                .containsExactly(new ComponentAt(new CircuitMembers(2), "end"));
        assertThat(investigation.behaviour().metric()).isEqualTo("logit-diff");
        assertThat(investigation.primaryClaims()).hasSize(4);
        assertThat(again(investigation)).isEqualTo(investigation);
    }

    @Test
    void latentsAreOfAutoencodersThatTheFileNames() {
        Investigation investigation = parse("""
            {"format": "hyaline-investigation/1", "model": "fable", "behaviour": {"task": "ioi"},
             "saes": {"mid": "saes/1", "late-2": {"file": "saes/2", "site": "blocks.2.hook_resid_post"}},
             "claims": [
              {"name": "a", "do": "ablate", "components": ["sae:mid[17]", "sae:late-2[0]@S2", "1.3"],
               "expect": {"decrease": 1}}]}
            """);
        assertThat(investigation.autoencoders())
                .containsEntry("mid", new AutoencoderPlan("saes/1", null))
                .containsEntry("late-2", new AutoencoderPlan("saes/2", HookPoints.point("blocks.2.hook_resid_post")));
        assertThat(investigation.claims().getFirst().components())
                .startsWith(new LatentComponent("mid", 17), new ComponentAt(new LatentComponent("late-2", 0), "S2"));
        assertThat(again(investigation)).isEqualTo(investigation);
        assertThat(investigation.explain())
                .contains("The autoencoder late-2 is that of saes/2 at blocks.2.hook_resid_post; what it misses stays"
                        + " as it is.");
    }

    @Test
    void aCircuitIsNamedHeadByHead() {
        Investigation ioi = Investigation.example("ioi");
        List<HeadComponent> circuit = List.of(new HeadComponent(1, 3), new HeadComponent(2, 2));
        assertThat(ioi.claims().getFirst().of(circuit).components()).containsExactlyElementsOf(circuit);
        assertThat(ioi.claims().get(4).of(circuit).components()).containsExactly(new HeadComponent(2, 2));
        assertThatThrownBy(() -> ioi.claims().get(4).of(List.of(new HeadComponent(1, 3))))
                .isInstanceOf(BadInputException.class)
                .hasMessage("claim \"steered\": the circuit has no member that [circuit[2.*]] means");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "investigation/1 | investigation/2 | expected format to be \"hyaline-investigation/1\", found"
                        + " \"hyaline-investigation/2\"",
                "\"format\": \"hyaline-investigation/1\", | `` | format is missing; it is \"hyaline-investigation/1\"",
                "\"model\": \"fable\", | `` | model is missing; it is the name of a model",
                "\"fable\" | \" \" | expected model to be a text that is not blank, found \" \"",
                "\"fable\" | 3 | expected model to be a string, found 3",
                "\"behaviour\": {\"task\": \"ioi\"}, | `` | behaviour is missing; it is an object with a task or a"
                        + " metric",
                "{\"task\": \"ioi\"} | \"ioi\" | expected behaviour to be an object, found \"ioi\"",
                "{\"task\": \"ioi\"} | {} | the prompts are those of behaviour.task, of the file prompts.pairs"
                        + " or of prompts.corpus; found none of them",
                "\"prompts\": {} | \"prompts\": {\"pairs\": \"p.json\"} | the prompts are those of behaviour.task,"
                        + " of the file prompts.pairs or of prompts.corpus; found behaviour.task and prompts.pairs",
                "\"task\": \"ioi\" | \"tsk\": \"ioi\" | behaviour.tsk means nothing; perhaps task is meant",
                "\"ioi\" | \"ioi-abab\" | expected behaviour.task to be one of ioi, ioi-abba, ioi-baba, ioi-abba-abc,"
                    + " ioi-baba-abc, induction, induction-words, greater-than, pronouns, capitals (perhaps ioi-abba),"
                    + " found \"ioi-abab\"",
                "\"task\": \"ioi\" | \"task\": \"ioi\", \"metric\": \"logits\" | expected behaviour.metric to be one"
                    + " of logit-diff, logit, log-prob, prob-diff, kl, cross-entropy, accuracy (perhaps logit), found"
                    + " \"logits\"",
                "\"task\": \"ioi\" | \"task\": \"ioi\", \"present_if\": {\"accuracy_at_least\": 1.5} | expected"
                        + " behaviour.present_if.accuracy_at_least to be a number from 0 to 1, found 1.5",
                "\"task\": \"ioi\" | \"task\": \"ioi\", \"present_if\": {\"mean\": 1} | behaviour.present_if.mean"
                        + " means nothing; there are mean_at_least, accuracy_at_least",
                "\"prompts\": {} | \"prompts\": {\"draw\": {\"discovery\": 1}} | expected prompts.draw.discovery to be"
                        + " an integer from 2 to 10000, found 1",
                "\"prompts\": {} | \"prompts\": {\"draw\": {\"heldout\": 8}} | prompts.draw.heldout means nothing;"
                        + " perhaps held_out is meant",
                "\"prompts\": {} | \"prompts\": {\"split_by\": \"IO\"} | expected prompts.split_by to be a list of"
                    + " roles such as [\"IO\", \"S1\"], or of the tasks of indirect objects \"names\", found \"IO\"",
                "\"prompts\": {} | \"prompts\": {\"reference\": \"abd\"} | expected prompts.reference to be one of"
                        + " clean, corrupted, abc (perhaps abc), found \"abd\"",
                "\"prompts\": {} | \"promts\": {} | promts means nothing; perhaps prompts is meant",
                "\"prompts\": {} | \"alternatives\": \"some\" | expected alternatives to be \"all\" or a list of"
                        + " alternatives, found \"some\"",
                "\"prompts\": {} | \"alternatives\": [\"recencie\"] | expected alternatives[0] to be one of"
                        + " random-components, norm-matched, generic-damage, position-only, recency, frequency-only,"
                        + " shuffled-labels, off-manifold, self-repair (perhaps recency), found \"recencie\"",
                "\"prompts\": {} | \"specific_against\": [\"capitals\"] | the alternative generic-damage is tested"
                        + " against at least 2 other tasks, found [capitals]",
                "\"prompts\": {} | \"alternatives\": [\"generic-damage\"] | the alternative generic-damage is tested"
                        + " against at least 2 other tasks, found none",
                "\"prompts\": {} | \"seed\": -1 | expected seed to be a whole number of at least 0, found -1",
                "\"prompts\": {} | \"seed\": 0.5 | expected seed to be a whole number of at least 0, found 0.5",
                "\"prompts\": {} | \"circuit\": {\"tau\": 0} | expected circuit.tau to be a number from 1e-6 to 1,"
                        + " found 0",
                "\"prompts\": {} | \"circuit\": {\"discover\": \"acdc\"} | expected circuit.discover to be one of"
                        + " iterative-ablation, found \"acdc\"",
                "\"prompts\": {} | \"circuit\": {\"ablation\": \"means\"} | expected circuit.ablation to be one of"
                        + " zero, mean, mean-by-position, resample (perhaps mean), found \"means\"",
                "\"prompts\": {} | \"design\": {\"alpha\": 0.7} | expected design.alpha to be a number from 1e-6 to"
                        + " 0.5, found 0.7",
                "\"name\": \"needed\", | `` | claims[0].name is missing; it is a name unlike those of the other claims",
                "\"do\": \"ablate\", | `` | claims[0].do is missing; it is one of ablate, keep-only, patch, path,"
                        + " look, attend, force, steer",
                "\"ablate\" | \"abalte\" | expected claims[0].do to be one of ablate, keep-only, patch, path, look,"
                        + " attend, force, steer (perhaps ablate), found \"abalte\"",
                "\"ablate\" | \"look\" | claims[0].at is missing; it is a role",
                "\"ablate\" | \"force\" | claims[0].force is missing; it is one of mean-active, donor, set",
                "\"ablate\" | \"force\", \"force\": \"doner\" | expected claims[0].force to be one of mean-active,"
                        + " donor, set (perhaps donor), found \"doner\"",
                "\"ablate\" | \"force\", \"force\": \"set\" | claims[0].value is missing; it is a number, or a list"
                        + " of as many as the component has values",
                "\"ablate\" | \"force\", \"force\": \"set\", \"value\": [] | claims[0].value: forcing to given"
                        + " values takes at least one, found none",
                "\"ablate\" | \"steer\", \"into\": \"both\" | expected claims[0].into to be one of clean, corrupted,"
                        + " found \"both\"",
                "\"ablate\", \"components\": [\"1.3\"] | \"steer\", \"components\": [\"1.3@S2\"] | claims[0]: steer is"
                        + " for components without @ROLE, since the role is a key of its own, and sets a latent to one"
                        + " value, found 1.3@S2",
                "\"ablate\" | [] | claims[0].do: a claim's experiment edits something, found no intervention",
                "\"ablate\" | {\"do\": \"scale\", \"site\": \"blocks.1.hook_mlp_out\"} | claims[0].do: intervention 0"
                        + " needs \"factor\", a number",
                "\"ablate\" | {\"do\": \"patch\", \"site\": \"blocks.1.hook_mlp_out\", \"source\": {\"dump\":"
                        + " \"here\"}} | expected claims[0].do.source to be values written out, for a dump may change"
                        + " after the plan is locked, found an object",
                "\"prompts\": {} | \"prompts\": {\"corpus\": {\"dump\": \"d\"}} | the prompts are those of"
                        + " behaviour.task, of the file prompts.pairs or of prompts.corpus; found behaviour.task and"
                        + " prompts.corpus",
                "\"prompts\": {} | \"prompts\": {\"corpus\": {}} | prompts.corpus.dump is missing; it is the folder of"
                        + " a dumped corpus",
                "\"prompts\": {} | \"superposition\": {} | superposition.site is missing; it is a hook point such as"
                        + " \"blocks.2.hook_resid_post\"",
                "\"prompts\": {} | \"superposition\": {\"site\": \"blocks.1.attn.hook_z\"} | expected"
                        + " superposition.site to be a hook point with one row a token, found \"blocks.1.attn.hook_z\"",
                "1.3 | sae:mid[3] | claims[0].components: sae:mid[3] is of no autoencoder that saes names; there"
                        + " are none",
                "\"prompts\": {} | \"saes\": {\"a b\": \"x\"} | saes.\"a b\": the name of an autoencoder has letters,"
                        + " digits, _, . and -, found \"a b\"",
                "\"prompts\": {} | \"saes\": {\"a\": {\"files\": \"x\"}} | saes.\"a\".files means nothing; perhaps file"
                        + " is meant",
                "\"prompts\": {} | \"saes\": {\"a\": {}} | saes.\"a\".file is missing; it is a file or folder of an"
                        + " autoencoder",
                "\"prompts\": {} | \"saes\": {\"a\": {\"file\": \"x\", \"site\": \"blocks.1\"}} | saes.\"a\".site:"
                        + " unknown hook point blocks.1",
                "\"prompts\": {} | \"saes\": [] | expected saes to be an object, found an array",
                "\"prompts\": {} | \"sanity\": true | expected sanity to be one of all, none, found true",
                "\"ablate\" | \"path\" | claims[0].to is missing; it is a list of receivers such as \"a2.h2<q>\" or"
                        + " \"logits\"",
                "\"ablate\", | \"path\", \"to\": [], | claims[0].to: a path needs a receiver",
                "\"ablate\", | \"attend\", \"at\": \"S2\", | claims[0]: attend gives no decrease; it gives"
                        + " attention_at_least",
                "\"ablate\", | \"ablate\", \"ablation\": \"noise\", | expected claims[0].ablation to be one of zero,"
                        + " mean, mean-by-position, resample, found \"noise\"",
                "\"ablate\", | \"ablate\", \"at\": \"S2\", | claims[0].at means nothing; there are name, mechanism,"
                        + " do, ablation, components, expect, primary",
                "[\"1.3\"] | [] | expected claims[0].components to be at least one component, found an empty list",
                "[\"1.3\"] | 1.3 | expected claims[0].components to be a string, found 1.3",
                "[\"1.3\"] | [\"1.3\", \"1.3\"] | expected claims[0].components[1] to be a component that is not named"
                        + " before, found \"1.3\"",
                "[\"1.3\"] | [\"1.3.4\"] | claims[0].components[0]: '1.3.4' is no component; components are heads"
                        + " (1.3), MLPs (mlp 2), neurons (2.mlp[17]), hook points (blocks.1.hook_resid_post), latents"
                        + " (sae:NAME[7]), circuit and circuit[2.*], each perhaps at a role (1.3@S2)",
                "[\"1.3\"] | [\"1.3@\"] | claims[0].components[0]: '1.3@' has no role behind the @",
                "[\"1.3\"] | [\"1.3@S2@S1\"] | claims[0].components[0]: 1.3@S2 is at one position already",
                "\"ablate\", \"components\": [\"1.3\"] | \"keep-only\", \"components\": [\"mlp 1\"] | claims[0]:"
                        + " keep-only is for whole heads, found mlp 1",
                "\"ablate\", \"components\": [\"1.3\"] | \"path\", \"to\": [\"logits\"], \"components\": [\"1.3@S2\"]"
                        + " | claims[0]: path is for whole heads and MLPs, found 1.3@S2",
                ", \"expect\": {\"decrease\": 1.5} | `` | claims[0].expect is missing; it is what is predicted, with a"
                        + " direction and a number, such as {\"decrease\": 0.1, \"unit\": \"gap\"}",
                "{\"decrease\": 1.5} | {} | claims[0].expect predicts nothing; it is what is predicted, with a"
                        + " direction and a number, such as {\"decrease\": 0.1, \"unit\": \"gap\"}",
                "{\"decrease\": 1.5} | \"decrease\" | expected claims[0].expect to be what is predicted, with a"
                        + " direction and a number, such as {\"decrease\": 0.1, \"unit\": \"gap\"}, found \"decrease\"",
                "{\"decrease\": 1.5} | 1.5 | expected claims[0].expect to be what is predicted, with a direction and a"
                        + " number, such as {\"decrease\": 0.1, \"unit\": \"gap\"}, found 1.5",
                "1.5 | true | expected claims[0].expect.decrease to be a number, such as 0.1 with the unit gap, found"
                        + " true",
                "1.5 | -1 | expected claims[0].expect.decrease to be a number above 0, for the direction is in the"
                        + " key, found -1",
                "{\"decrease\": 1.5} | {\"faithfulness_at_least\": 80} | expected"
                        + " claims[0].expect.faithfulness_at_least to be a number from 1e-9 to 2, found 80",
                "1.5 | NaN | expected claims[0].expect.decrease to be a finite number, found NaN",
                "1.5 | 1.5, \"unit\": \"gaps\" | expected claims[0].expect.unit to be one of metric, gap (perhaps"
                        + " gap), found \"gaps\"",
                "1.5 | 1.5, \"increase\": 1 | claims[0].expect has decrease and increase; a claim predicts one result",
                "\"decrease\" | \"decreases\" | claims[0].expect.decreases means nothing; perhaps decrease is meant",
                "\"decrease\" | \"faithfulness_at_least\" | claims[0]: ablate gives no faithfulness_at_least; it gives"
                        + " decrease, increase, no_effect",
                "\"decrease\": 1.5 | \"faithfulness_at_least\": 0.8, \"unit\": \"gap\" | claims[0].expect:"
                        + " faithfulness_at_least is a share and has no unit",
                "{\"decrease\": 1.5}} | {\"decrease\": 1.5}, \"primary\": false} | an investigation needs at least one"
                        + " primary claim",
                "{\"decrease\": 1.5}} | {\"decrease\": 1.5}, \"primary\": 1} | expected claims[0].primary to be true"
                        + " or false, found 1",
                "[{\"name\": \"needed\", \"do\": \"ablate\", \"components\": [\"1.3\"], \"expect\": {\"decrease\":"
                        + " 1.5}}] | [] | expected claims to be a list of at least one claim, found an empty list",
                "\"prompts\": {} | \"specific_against\": [\"capitals\"], \"alternatives\": [] | the alternative"
                        + " generic-damage is tested against at least 2 other tasks, found [capitals] and no such"
                        + " alternative",
                "[{\"name\": \"needed\", \"do\": \"ablate\", \"components\": [\"1.3\"], \"expect\": {\"decrease\":"
                        + " 1.5}}] | {} | expected claims to be an array, found an object",
                "\"prompts\": {} | \"alternatives\": [\"recency\", \"recency\"] | expected alternatives[1] to be an"
                        + " alternative that is not named before, found \"recency\"",
                "[\"1.3\"] | [\"1.mlp\"] | claims[0].components[0]: '1.mlp' is no component; perhaps the MLP of layer"
                        + " 1 is meant, mlp 1, or one of its neurons, 1.mlp[0]",
                "[\"1.3\"] | [\"mlp2\"] | claims[0].components[0]: 'mlp2' is no component; perhaps the MLP of layer"
                        + " 2 is meant, mlp 2, or one of its neurons, 2.mlp[0]",
            })
    void badFilesAreNamedInOneSentence(String from, String to, String message) {
        assertThat(GOOD).contains(from);
        String bad = GOOD.replace(from, to);
        assertThatThrownBy(() -> parse(bad))
                .isInstanceOf(HyalineException.class)
                .extracting(error -> error.getMessage().replaceFirst("^a.json, line [12]:", "a.json:"))
                .isEqualTo("a.json: " + message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"seed\": 7 | \"sed\": 7 | 4: sed means nothing; perhaps seed is meant",
                "1.5 | -2 | 11: expected claims[1].expect.decrease to be a number above 0",
                "2.mlp[3] | 2.mpl[3] | 8: claims[1].components[1]: '2.mpl[3]' is no component",
                "2.mlp[3] | 9.0 | 8: claims[1].components[1]: there is no 9.0: the model has 4 layers",
                "\"do\": \"ablate\",@ | `` | 6: claims[1].do is missing",
                "second | first | 6: expected claims[1].name to be a name unlike those of the other claims",
                "[{ | [3, {| 5: expected claims[0] to be an object, found 3",
            })
    void theLineOfAFaultIsNamed(String from, String to, String begin, @TempDir Path folder) throws IOException {
        String good = """
            {"format": "hyaline-investigation/1",
             "model": "fable",
             "behaviour": {"task": "ioi"},
             "seed": 7,
             "claims": [{"name": "first", "do": "ablate", "components": "1.3", "expect": {"decrease": 1}},
              {"name": "second",
               "do": "ablate",
               "components": ["1.3", "2.mlp[3]"],
               "expect": {
                 "unit": "gap",
                 "decrease": 1.5}}]}
            """;
        String sought = from.replace('@', '\n');
        assertThat(good).contains(sought);
        Path file = folder.resolve("a.json");
        Files.writeString(file, "\uFEFF" + good);
        try (Gpt2 fable = Fable.open()) {
            assertThat(Investigation.read(file, name -> fable.config()).seed()).isEqualTo(7);
            Files.writeString(file, good.replace(sought, to));
            assertThatThrownBy(() -> Investigation.read(file, name -> fable.config()))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageStartingWith(file + ", line " + begin);
        }
    }

    @Test
    void everyFaultIsToldInTheOrderOfTheFile(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("a.json"), """
            {"format": "hyaline-investigation/1",
             "model": "nosuch",
             "seed": -1,
             "behaviour": {"task": "ioi-abab", "metrics": "prob"},
             "prompts": {"draw": {"discovery": 1, "held_out": 1}, "reference": "abc", "split_by": "names"},
             "claims": [
              {"name": "a", "do": "ablat", "ablation": "zero", "components": ["1.3", "1.mlp", "x"]},
              {"name": "a", "do": "ablate", "components": [], "expect": {"decrease": "much"}, "primary": 1},
              {"name": "c", "do": "ablate", "components": "sae:mid[3]", "expect": {"decrease": 1}}],
             "alternatives": ["recency", "recency", "nothing"],
             "design": {"alpha": 7, "looks": 0},
             "sanity": "some"}
            """);
        assertThatThrownBy(() -> Investigation.read(file, name -> {
                    throw new BadInputException("there is no model " + name);
                }))
                .isInstanceOfSatisfying(
                        BadInputException.class,
                        e -> assertThat(e.sentences().stream()
                                        .map(line -> line.replace(file + ", line ", "")
                                                .replaceFirst(" to be .*", "")
                                                .replaceFirst("(missing|component|nothing|saes names);.*", "$1")))
                                .containsExactly(
                                        "2: model: there is no model nosuch",
                                        "3: expected seed",
                                        "4: expected behaviour.task",
                                        "4: behaviour.metrics means nothing",
                                        "5: expected prompts.draw.discovery",
                                        "5: expected prompts.draw.held_out",
                                        "7: expected claims[0].do",
                                        "7: claims[0].components[1]: '1.mlp' is no component",
                                        "7: claims[0].components[2]: 'x' is no component",
                                        "7: claims[0].expect is missing",
                                        "8: expected claims[1].name",
                                        "8: expected claims[1].components",
                                        "8: expected claims[1].expect.decrease",
                                        "8: expected claims[1].primary",
                                        "9: claims[2].components: sae:mid[3] is of no autoencoder that saes names",
                                        "10: expected alternatives[1]",
                                        "10: expected alternatives[2]",
                                        "11: expected design.alpha",
                                        "11: expected design.looks",
                                        "12: expected sanity"));
    }

    @Test
    void ofManyFaultsTheFirstAreTold() {
        String claims = IntStream.range(0, 30)
                .mapToObj(i -> "{\"name\": \"" + i + "\", \"do\": \"ablate\", \"components\": \"1.3\"}")
                .collect(Collectors.joining(","));
        assertThatThrownBy(() -> parse(GOOD.replaceAll("\\[\\{.*}]", "[" + claims + "]")))
                .isInstanceOfSatisfying(
                        BadInputException.class,
                        e -> assertThat(e.sentences()).hasSize(21).endsWith("and 10 more"));
    }

    @Test
    void forcesInterventionsAndACorpusComeBackAsTheyAre() {
        Investigation investigation = parse("""
            {"format": "hyaline-investigation/1", "model": "fable", "behaviour": {},
             "prompts": {"corpus": {"dump": "stories"}},
             "claims": [
              {"name": "a", "do": "force", "force": "mean-active", "components": "1.3", "at": "end",
               "into": "corrupted", "expect": {"increase": 1}},
              {"name": "b", "do": "force", "force": "donor", "components": "circuit", "everywhere": true,
               "expect": {"decrease": 1}},
              {"name": "c", "do": "force", "force": "set", "value": 0.5, "components": "2.mlp[3]",
               "expect": {"decrease": 1}},
              {"name": "d", "do": "steer", "alpha": 2, "components": "blocks.1.hook_resid_post",
               "expect": {"decrease": 1}},
              {"name": "e", "do": {"do": "scale", "site": "blocks.1.attn.hook_z", "heads": "3", "factor": 0.5},
               "components": "1.3", "expect": {"decrease": 1}}]}
            """);
        assertThat(again(investigation)).isEqualTo(investigation);
        assertThat(investigation.prompts().corpus()).isEqualTo(new CorpusPrompts("stories", 16));
        assertThat(investigation.title()).isEqualTo("stories in fable");
        assertThat(investigation.explain().getFirst()).startsWith("The behaviour is the next token after 16 of a");
        assertThat(investigation.claims())
                .extracting(claim -> claim.sentence().replaceFirst(" (lowers|raises).*", ""))
                .containsExactly(
                        "forcing 1.3 to the mean where active at end in corrupted runs at end",
                        "forcing circuit to the other run's values in clean runs at all positions",
                        "forcing 2.mlp[3] to [0.5] in clean runs at end",
                        "steering blocks.1.hook_resid_post by 2.0 of the difference of means at end in clean runs at"
                                + " end",
                        "editing 1.3 in clean runs (Scale of blocks.1.attn.hook_z, heads 3: by 0.5)");
    }

    @Test
    void aNameStandsForOneClaim() {
        String claim = "{\"name\": \"a\", \"do\": \"ablate\", \"components\": \"1.3\", \"expect\": {\"decrease\": 1}}";
        assertThatThrownBy(() -> parse(GOOD.replaceAll("\\[\\{.*}]", "[" + claim + ", " + claim + "]")))
                .hasMessage("a.json, line 2: expected claims[1].name to be a name unlike those of the other claims,"
                        + " found \"a\"");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "4.0 | there is no 4.0: the model has 4 layers of 8 heads and 512 neurons",
                "3.8@S2 | there is no 3.8: the model has 4 layers of 8 heads and 512 neurons",
                "mlp 4 | there is no mlp 4: the model has 4 layers of 8 heads and 512 neurons",
                "0.mlp[512] | there is no 0.mlp[512]: the model has 4 layers of 8 heads and 512 neurons",
                "blocks.9.hook_resid_post | there is no blocks.9.hook_resid_post: the model has 4 layers of 8 heads"
                        + " and 512 neurons",
            })
    void aModelMustHaveWhatClaimsName(String component, String message) {
        Investigation investigation = parse(GOOD.replace("1.3", component));
        try (Gpt2 fable = Fable.open()) {
            assertThatThrownBy(() -> investigation.requireFits(fable.config()))
                    .isInstanceOf(BadInputException.class)
                    .hasMessage("claim \"needed\": " + message);
        }
    }

    @Test
    void aFileThatIsNotThereIsNamed(@TempDir Path folder) {
        Path file = folder.resolve("no.json");
        assertThatThrownBy(() -> Investigation.read(file))
                .isInstanceOf(HyalineException.class)
                .hasMessageContaining("no.json");
    }

    @Test
    void moreClaimsTakeMoreUnits() {
        assertThat(parse(GOOD).minUnits()).isEqualTo(6);
        assertThat(Investigation.example("ioi").minUnits()).isEqualTo(8);
    }
}
