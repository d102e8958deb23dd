package dev.hyaline.instrument;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.error.UnknownHookPointException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.edit.Target;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class HookPointsTest {
    /** 12 layers, so that names with two digits occur. */
    private static final Gpt2Config CONFIG = Gpt2Config.gpt2Small();

    private static final List<HookPoint> POINTS = HookPoint.all(CONFIG);

    @Provide
    Arbitrary<HookPoint> points() {
        return Arbitraries.of(POINTS);
    }

    @Property(tries = 300)
    void aCanonicalNameMeansItsPointAlone(@ForAll("points") HookPoint point) {
        assertThat(HookPoints.select(CONFIG, point.name())).containsExactly(point);
        assertThat(HookPoints.select(CONFIG, point.name().replace("hook_", ""))).containsExactly(point);
    }

    @Property(tries = 300)
    void aNameWithinTheBlocksMeansEveryLayers(@ForAll("points") HookPoint point) {
        List<HookPoint> all =
                POINTS.stream().filter(p -> p.site() == point.site()).toList();
        for (String name : List.of(
                point.site().localName(),
                point.site().shortName(),
                point.site().shortName().replace('.', '_'))) {
            assertThat(HookPoints.select(CONFIG, name)).as(name).isEqualTo(all);
        }
    }

    @Property(tries = 200)
    void severalPatternsMeanTheirUnionInFiringOrder(@ForAll("names") List<HookPoint> points) {
        String[] names = points.stream().map(HookPoint::name).toArray(String[]::new);
        List<HookPoint> expected = List.copyOf(new TreeSet<>(points));
        assertThat(HookPoints.select(CONFIG, names)).isEqualTo(expected);
        assertThat(HookPoints.select(CONFIG, String.join(", ", names))).isEqualTo(expected);
    }

    @Provide
    Arbitrary<List<HookPoint>> names() {
        return points().list().ofMinSize(1).ofMaxSize(12);
    }

    @Property(tries = 100)
    void layersKeepTheirPoints(@ForAll("layers") Set<Integer> layers, @ForAll("points") HookPoint point) {
        IndexSelection selection = IndexSelection.parse(
                String.join(",", layers.stream().map(String::valueOf).toList()));
        List<HookPoint> selected =
                HookPoints.select(CONFIG, List.of(point.site().shortName()), selection);
        assertThat(selected)
                .allMatch(p -> p.site() == point.site() && (!p.site().perLayer() || layers.contains(p.layer())))
                .hasSize(point.site().perLayer() ? layers.size() : 1);
    }

    @Provide
    Arbitrary<Set<Integer>> layers() {
        return Arbitraries.integers().between(0, CONFIG.nLayers() - 1).set().ofMinSize(1);
    }

    /** What {@code transformer_lens.utils.get_act_name} gives for the same shorthand. */
    @ParameterizedTest
    @CsvSource({
        "embed, hook_embed",
        "pos_embed, hook_pos_embed",
        "k6, blocks.6.attn.hook_k",
        "key3, blocks.3.attn.hook_k",
        "query11, blocks.11.attn.hook_q",
        "value0, blocks.0.attn.hook_v",
        "z1, blocks.1.attn.hook_z",
        "pre5, blocks.5.mlp.hook_pre",
        "post5, blocks.5.mlp.hook_post",
        "mlp_pre2, blocks.2.mlp.hook_pre",
        "mlp_post2, blocks.2.mlp.hook_post",
        "attn4, blocks.4.attn.hook_pattern",
        "pattern4, blocks.4.attn.hook_pattern",
        "attn_logits7, blocks.7.attn.hook_attn_scores",
        "attn_scores7, blocks.7.attn.hook_attn_scores",
        "result7, blocks.7.attn.hook_result",
        "scale4ln1, blocks.4.ln1.hook_scale",
        "normalized10ln2, blocks.10.ln2.hook_normalized",
        "scale, ln_final.hook_scale",
        "normalized, ln_final.hook_normalized",
        "resid_post3, blocks.3.hook_resid_post",
        "attn_out0, blocks.0.hook_attn_out",
        "mlp_in1, blocks.1.hook_mlp_in",
        "logits, unembed.hook_out",
    })
    void understandsTransformerLensShorthand(String name, String canonical) {
        assertThat(HookPoints.select(CONFIG, name)).extracting(HookPoint::name).containsExactly(canonical);
    }

    @ParameterizedTest
    @CsvSource({
        "blocks.*.attn.hook_*, 84",
        "resid_*, 36",
        "blocks.[0-2].hook_resid_post, 3",
        "blocks.[!0]*.hook_resid_post, 11",
        "blocks.1?.hook_resid_post, 2",
        "blocks.0.*, 23",
        "*_input, 36",
        "ln*.scale, 25",
        "*, 282",
    })
    void globsMatchAnyOfAPointsNames(String glob, int points) {
        assertThat(HookPoints.select(CONFIG, glob)).hasSize(points);
    }

    @Test
    void allIsEveryPointOfAPlainPass() {
        assertThat(HookPoints.select(CONFIG, "all"))
                .hasSize(210)
                .isEqualTo(HookPoints.plain(CONFIG))
                .noneMatch(point -> point.site().onRequest());
    }

    @Test
    void aHookIsFoundByTheLastPartOfItsName() {
        for (String name : List.of("hook_pattern", "hook_z", "hook_result")) {
            assertThat(HookPoints.select(CONFIG, name))
                    .hasSize(12)
                    .isEqualTo(HookPoints.select(CONFIG, "attn." + name));
        }
        assertThat(HookPoints.select(CONFIG, "hook_scale"))
                .hasSize(25)
                .isEqualTo(HookPoints.select(CONFIG, "ln1.hook_scale", "ln2.hook_scale", "ln_final.hook_scale"));
    }

    @Test
    void sitesOutsideTheLayersStayOnlyIfNamedOutright() {
        IndexSelection layer = IndexSelection.parse("0");
        assertThat(HookPoints.select(CONFIG, List.of("all"), layer)).allMatch(point -> point.layer() == 0);
        assertThat(HookPoints.select(CONFIG, List.of("*embed", "z"), IndexSelection.all()))
                .hasSize(14);
        assertThat(HookPoints.select(CONFIG, List.of("embed,z"), layer))
                .containsExactly(HookPoint.of(Site.EMBED), HookPoint.of(Site.Z, 0));
        assertThatThrownBy(() -> HookPoints.select(CONFIG, List.of("*embed"), layer))
                .isInstanceOf(BadInputException.class)
                .hasMessage("'*embed' has no hook point in layers 0");
    }

    @ParameterizedTest
    @CsvSource({
        "resid_pst, resid_post",
        "reisd_post, resid_post",
        "hook_resid_prr, hook_resid_pre",
        "blocks.3.attn.hook_zz, blocks.3.attn.hook_z",
        "atn_scores, attn_scores",
        "patern, pattern",
        "mlp.pots, mlp.post",
        "unembed.hook_ot, unembed.hook_out",
    })
    void anUnknownNameBringsTheNearest(String name, String nearest) {
        assertThatThrownBy(() -> HookPoints.select(CONFIG, name))
                .isInstanceOfSatisfying(UnknownHookPointException.class, e -> {
                    assertThat(e.nearest()).first().isEqualTo(nearest);
                    assertThat(e.nearest()).hasSizeLessThanOrEqualTo(3);
                });
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "xyzzy",
                "blocks.0",
                "blocks.x.hook_resid_post",
                "k6ln1",
                "scale4",
                "foo*bar",
                "blocks.0.*.hook_zz",
                "blocks.03.attn.hook_z",
                "z03"
            })
    void whatResemblesNothingIsUnknown(String name) {
        assertThatThrownBy(() -> HookPoints.select(CONFIG, name)).isInstanceOf(UnknownHookPointException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "z,", ",z", "z,,q", "blocks.12.attn.hook_z", "z12", "scale12ln1", "[z-a]"})
    void refusesWhatCannotBe(String name) {
        assertThatThrownBy(() -> HookPoints.select(CONFIG, name)).isInstanceOf(BadInputException.class);
    }

    @Test
    void refusesToSelectNothing() {
        assertThatThrownBy(() -> HookPoints.select(CONFIG)).isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> HookPoints.select(CONFIG, List.of("z"), IndexSelection.parse("12")))
                .hasMessageContaining("there is no layer 12");
        assertThatThrownBy(() -> HookPoints.select(CONFIG, List.of("z3,q"), IndexSelection.parse("4")))
                .hasMessage("'z3' has no hook point in layers 4");
    }

    @Test
    void everySiteCanBeNamed() {
        assertThat(Arrays.stream(Site.values()).map(Site::shortName))
                .allSatisfy(name -> assertThat(HookPoints.select(CONFIG, name)).isNotEmpty());
    }

    @Test
    void patternsBecomeTargets() {
        assertThat(Target.select(Models.CONFIG, "attn.hook_z", IndexSelection.all()))
                .containsExactly(Target.of(Site.Z));
        assertThat(Target.select(Models.CONFIG, "blocks.[02].hook_resid_p*,embed", IndexSelection.all()))
                .containsExactly(
                        Target.of(Site.EMBED),
                        Target.of(Site.RESID_PRE).layers(0, 2),
                        Target.of(Site.RESID_POST).layers(0, 2));
        assertThat(Target.select(Models.CONFIG, "z", IndexSelection.parse("-1")))
                .containsExactly(Target.of(Site.Z, 2));
        assertThat(Target.named("blocks.*.attn.hook_z")).isEqualTo(Target.of(Site.Z));
        assertThatThrownBy(() -> Target.named("blocks.*.hook_embed")).isInstanceOf(UnknownHookPointException.class);
    }

    /** A regular expression would try all ways to divide a name among the stars, which no test would see the end of. */
    @Test
    void globsOfManyStarsAreMatched() {
        assertThat(HookPoints.select(CONFIG, "*".repeat(1_000) + "z")).hasSize(12);
        assertThat(HookPoints.select(CONFIG, "*?".repeat(5) + "*")).hasSizeGreaterThan(100);
        for (String glob : List.of("*o*".repeat(200) + "!", "?*".repeat(100_000), "*[!z]".repeat(20) + "!")) {
            assertThatThrownBy(() -> HookPoints.select(CONFIG, glob))
                    .isInstanceOf(UnknownHookPointException.class)
                    .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(300));
        }
        assertThatThrownBy(() -> HookPoints.select(CONFIG, "[" + "a-b".repeat(100_000) + "]"))
                .isInstanceOf(UnknownHookPointException.class);
    }

    @Test
    void globsTakeCharactersOfASet() {
        assertThat(HookPoints.select(CONFIG, "blocks.[0-12].attn.hook_[qk]")).hasSize(6);
        assertThat(HookPoints.select(CONFIG, "blocks.[!0-8].attn.hook_[!a-yA-Z_0-9]"))
                .hasSize(1);
        assertThat(HookPoints.select(CONFIG, "resid[_-]mid")).hasSize(12);
    }

    @Test
    void messagesAreNoLongerThanTheyMust() {
        String digits = "9".repeat(10_000);
        for (String name : List.of("x".repeat(10_000), "blocks." + digits + ".attn.hook_z", digits + ",")) {
            assertThatThrownBy(() -> HookPoints.select(CONFIG, name))
                    .isInstanceOf(HyalineException.class)
                    .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(300));
        }
        for (String selection : List.of(digits, digits + "x", "5-" + digits)) {
            assertThatThrownBy(() -> IndexSelection.parse(selection))
                    .isInstanceOf(BadInputException.class)
                    .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(300));
        }
    }
}
