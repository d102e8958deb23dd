package dev.hyaline.notebook;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.HeatMap;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.tensor.Tensor;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.Prose;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.rapaio.jupyter.kernel.display.DisplayData;
import org.rapaio.jupyter.kernel.display.DisplaySystem;

/** What the kernel makes of values that a cell ends with. */
final class HyalineDisplaysTest {
    private static final ResultTable TABLE = ResultTable.of(
            "Effects <by> head",
            "effect",
            "logits",
            List.of(Axis.indices("layer", 2), Axis.indices("head", 2)),
            List.of("a", "b"),
            new double[] {1, 2, 3, 4, 5, 6, 7, 8});

    private static String html(Object value) {
        DisplayData shown = DisplaySystem.inst().render(value);
        assertThat(shown.data()).containsEntry("text/plain", value.toString());
        return (String) shown.data().get("text/html");
    }

    @Test
    void aTableIsItsHeatMapAndItsRows() {
        assertThat(html(TABLE)).contains("<svg").contains("</svg>").contains("<pre>Effects &lt;by&gt; head");
    }

    @Test
    void aPictureIsDrawn() {
        assertThat(html(HeatMap.of(TABLE))).contains("<svg").doesNotContain("<pre>");
    }

    @Test
    void aPatternIsAHeatMap() {
        Tensor pattern =
                Tensor.view("pattern", List.of("query", "key"), List.of(2, 2), new float[] {1, 0, 0.25f, 0.75f});
        assertThat(html(pattern)).contains("<svg").contains("0.75");
    }

    @Test
    void aTensorOfOtherAxesPrints() {
        Tensor row = Tensor.view("row", List.of("width"), List.of(3), new float[] {1, 2, 3});
        assertThat(html(row)).startsWith("<pre>").doesNotContain("<svg");
    }

    @Test
    void aPageStandsInAFrame() {
        assertThat(html(Page.of("A page", new Prose(List.of("Said \"so\".")))))
                .startsWith("<iframe")
                .endsWith("</iframe>")
                .contains("A page")
                .contains("&lt;html")
                .doesNotContain("<html");
    }

    @Test
    void aViewIsAPage() {
        assertThat(html(new Prose(List.of("Words.")))).startsWith("<iframe").contains("Words.");
    }
}
