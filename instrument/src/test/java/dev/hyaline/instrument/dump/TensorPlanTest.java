package dev.hyaline.instrument.dump;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.capture.Capture;
import org.junit.jupiter.api.Test;

final class TensorPlanTest {
    private static TensorPlan plan(String sites, String positions, ElementType type, int... lengths) {
        Capture capture = Capture.of(Models.CONFIG, sites).positions(IndexSelection.parse(positions));
        return TensorPlan.of(Models.CONFIG, capture, Models.prompts(lengths), type);
    }

    private static void assertTensors(TensorPlan plan, String... expected) {
        assertThat(plan.tensors())
                .extracting(tensor -> tensor.name() + " " + tensor.shape())
                .containsExactly(expected);
    }

    @Test
    void promptsOfOneLengthHaveABatchAxis() {
        TensorPlan plan = plan("embed,z0,pattern0,scale0ln1,result2,logits", "all", ElementType.F32, 6, 6);
        assertThat(plan.isBatch()).isTrue();
        assertTensors(
                plan,
                "hook_embed [2, 6, 20]",
                "blocks.0.ln1.hook_scale [2, 6, 1]",
                "blocks.0.attn.hook_pattern [2, 4, 6, 6]",
                "blocks.0.attn.hook_z [2, 6, 4, 5]",
                "blocks.2.attn.hook_result [2, 6, 4, 20]",
                "unembed.hook_out [2, 6, 61]",
                "tokens [2, 6]",
                "positions [2, 6]");
    }

    @Test
    void promptsOfDifferentLengthsLieEndToEnd() {
        TensorPlan plan = plan("z0,pattern0", "all", ElementType.F32, 6, 3);
        assertThat(plan.isBatch()).isFalse();
        assertTensors(
                plan,
                "blocks.0.attn.hook_pattern.0 [4, 6, 6]",
                "blocks.0.attn.hook_pattern.1 [4, 3, 3]",
                "blocks.0.attn.hook_z [9, 4, 5]",
                "tokens [9]",
                "positions [9]",
                "offsets [3]");
    }

    @Test
    void positionsChooseRowsAndQueries() {
        assertTensors(
                plan("z0,pattern0", "0,last", ElementType.F32, 6, 6),
                "blocks.0.attn.hook_pattern [2, 4, 2, 6]",
                "blocks.0.attn.hook_z [2, 2, 4, 5]",
                "tokens [2, 2]",
                "positions [2, 2]");
        assertTensors(
                plan("z0,pattern0", "2-9", ElementType.F32, 6, 3),
                "blocks.0.attn.hook_pattern.0 [4, 4, 6]",
                "blocks.0.attn.hook_pattern.1 [4, 1, 3]",
                "blocks.0.attn.hook_z [5, 4, 5]",
                "tokens [5]",
                "positions [5]",
                "offsets [3]");
        assertThatThrownBy(() -> plan("z0", "3-9", ElementType.F32, 6, 3)).isInstanceOf(BadInputException.class);
    }

    @Test
    void promptsOfOneLengthNeedNotBeListed() {
        Capture capture = Capture.of(Models.CONFIG, "z0", "pattern0").positions(IndexSelection.parse("0,last"));
        TensorPlan listed = TensorPlan.of(Models.CONFIG, capture, Models.prompts(6, 6, 6), ElementType.F16);
        TensorPlan counted = TensorPlan.of(Models.CONFIG, capture, 6, 3, ElementType.F16);
        assertThat(counted.tensors()).isEqualTo(listed.tensors());
        assertThat(counted.isBatch()).isTrue();
    }

    @Test
    void forecastsBytes() {
        HookPoint pattern = HookPoint.of(Site.PATTERN, 0);
        assertThat(plan("pattern0", "all", ElementType.F32, 6, 3).bytes(pattern))
                .isEqualTo(4 * (36 + 9) * 4);
        TensorPlan half = plan("pattern0", "all", ElementType.BF16, 6, 3);
        assertThat(half.bytes(pattern)).isEqualTo(4 * (36 + 9) * 2);
        assertThat(half.bytes()).isEqualTo(4 * (36 + 9) * 2 + (9 + 9 + 3) * 8);
    }
}
