package dev.hyaline.analysis.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.BadInputException;
import java.io.StringReader;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

final class BarChartTest {
    private static final String RED = "#b2142d";
    private static final String BLUE = "#1c5cab";

    private static ResultTable of(double... values) {
        return ResultTable.of("t", "q", "u", List.of(Axis.indices("edge", values.length)), List.of("a"), values);
    }

    private static Element bar(ResultTable table, String label) throws Exception {
        Document svg = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(BarChart.of(table).svg())));
        NodeList titles = svg.getElementsByTagName("title");
        for (int i = 0; i < titles.getLength(); i++) {
            if (titles.item(i).getTextContent().startsWith(label)) {
                return (Element) titles.item(i).getParentNode();
            }
        }
        throw new AssertionError("no bar of " + label);
    }

    private static double number(Element bar, String attribute) {
        return Double.parseDouble(bar.getAttribute(attribute));
    }

    @Test
    void barsBeginAtWhatIsNeutralAndAreRedAboveIt() throws Exception {
        ResultTable table = of(3, -1, 1).neutralAt(1);
        Element above = bar(table, "0: 3");
        Element below = bar(table, "1: -1");
        assertThat(above.getAttribute("fill")).isEqualTo(RED);
        assertThat(below.getAttribute("fill")).isEqualTo(BLUE);
        assertThat(number(above, "width")).isEqualTo(number(below, "width"));
        assertThat(number(below, "x") + number(below, "width")).isEqualTo(number(above, "x"));
        assertThat(number(bar(table, "2: 1"), "width")).isZero();
    }

    @Test
    void differencesBeginAtZeroAndHaveTheErrorOfTheDifference() throws Exception {
        ResultTable table = ResultTable.of(
                        "t", "q", "u", List.of(Axis.indices("edge", 2)), List.of("a", "b"), new double[] {
                            10.5, 20.5, 10, 20
                        })
                .neutralAt(15)
                .changedFrom("its run without the edit", new double[] {10, 20});
        assertThat(bar(table, "0").getTextContent()).isEqualTo("0: 0.50");
        assertThat(number(bar(table, "1"), "width")).isZero();
        assertThat(BarChart.of(table).svg()).contains("differences from 15.0, the value without the edit");
        assertThat(table.toString()).contains("15.50");
    }

    @Test
    void theScaleEndsWhereTheValuesEnd() throws Exception {
        Element only = bar(of(5, 2), "0: 5");
        assertThat(number(only, "width")).isEqualTo(420);
        assertThat(BarChart.of(of(5, 2)).svg()).doesNotContain(">6<");
    }

    @Test
    void whatIsNotANumberHasNoBar() {
        assertThat(BarChart.of(of(Double.NaN, 2)).svg()).contains(">-<").doesNotContain("<title>0:");
        assertThat(BarChart.of(of(Double.NaN)).svg()).contains(">-<");
        assertThat(BarChart.of(of(0, 0)).svg()).contains("<title>1: 0");
    }

    @Test
    void onlyTablesOfOneAxisHaveBars() {
        ResultTable two = ResultTable.of(
                "t", "q", "u", List.of(Axis.layers(1), Axis.heads(2)), List.of("a"), new double[] {1, 2});
        assertThat(BarChart.fits(two)).isFalse();
        assertThat(TablePicture.of(two)).isInstanceOf(HeatMap.class);
        assertThat(TablePicture.of(of(1, 2))).isInstanceOf(BarChart.class);
        assertThatThrownBy(() -> BarChart.of(two))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("found 2 axes and 2 cells");
        assertThatThrownBy(() -> BarChart.of(of(new double[251])))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("251 cells");
    }
}
