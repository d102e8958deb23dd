package dev.hyaline.analysis.table;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.BadInputException;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.StringReader;
import java.util.List;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

final class HeatMapTest {
    private static ResultTable of(double... values) {
        return ResultTable.of(
                "t", "q", "u", List.of(Axis.layers(2), Axis.indices(Axis.POSITION, 2)), List.of("a"), values);
    }

    private static Document parse(String svg) throws Exception {
        return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(new InputSource(new StringReader(svg)));
    }

    private static Element cell(Document svg, String tooltip) {
        NodeList titles = svg.getElementsByTagName("title");
        for (int i = 0; i < titles.getLength(); i++) {
            if (titles.item(i).getTextContent().startsWith(tooltip)) {
                return (Element) titles.item(i).getParentNode();
            }
        }
        throw new AssertionError("no cell says " + tooltip);
    }

    @Test
    void theNeutralValueIsWhiteAndTheExtremesAreDeep() throws Exception {
        Document svg = parse(HeatMap.of(of(1, 5, -1, 1).neutralAt(1)).svg());
        assertThat(cell(svg, "layer 0, position 0: 1.00").getAttribute("fill")).isEqualTo("#ffffff");
        assertThat(cell(svg, "layer 0, position 1: 5.00").getAttribute("fill")).isEqualTo("#b2142d");
        // As far below as 5 is above would be -3: half as deep.
        assertThat(cell(svg, "layer 1, position 0: -1.00").getAttribute("fill")).isEqualTo("#8eaed5");
    }

    @Test
    void cellsLieInRowsAndColumns() throws Exception {
        Document svg = parse(HeatMap.of(of(1, 2, 3, 4)).svg());
        Element first = cell(svg, "layer 0, position 0");
        Element last = cell(svg, "layer 1, position 1");
        assertThat(cell(svg, "layer 0, position 1").getAttribute("y")).isEqualTo(first.getAttribute("y"));
        assertThat(cell(svg, "layer 1, position 0").getAttribute("x")).isEqualTo(first.getAttribute("x"));
        assertThat(Integer.parseInt(last.getAttribute("x"))).isGreaterThan(Integer.parseInt(first.getAttribute("x")));
        assertThat(Integer.parseInt(last.getAttribute("y"))).isGreaterThan(Integer.parseInt(first.getAttribute("y")));
    }

    @Test
    void anyTextIsWellFormed() throws Exception {
        ResultTable table = ResultTable.of(
                "<svg> & \u0000\uFFFE \uD800 \"quotes\" ☃",
                "q",
                "",
                List.of(new Axis("h<ead", List.of("\u001B[0m", "a\nb"))),
                List.of("s", "t"),
                new double[] {1, Double.NaN, Double.POSITIVE_INFINITY, 2});
        Document svg = parse(HeatMap.of(table).svg());
        assertThat(svg.getDocumentElement().getTextContent()).contains("<svg> & ", "☃");
    }

    @Test
    void aThirdAxisGoesDown() throws Exception {
        ResultTable table = ResultTable.of(
                "t",
                "q",
                "u",
                List.of(Axis.layers(2), Axis.indices(Axis.POSITION, 3), Axis.heads(2)),
                List.of("a"),
                new double[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
        Document svg = parse(HeatMap.of(table).svg());
        assertThat(cell(svg, "layer.head 1.0, position 2: 10.0")).isNotNull();
        assertThat(cell(svg, "layer.head 0.1, position 1: 3.00")).isNotNull();
    }

    @Test
    void thePngShowsTheSameColours() throws Exception {
        HeatMap map = HeatMap.of(of(1, 5, -1, 1).neutralAt(1));
        Element cell = cell(parse(map.svg()), "layer 0, position 1");
        BufferedImage image = ImageIO.read(new ByteArrayInputStream(map.png()));
        int x = 2 * Integer.parseInt(cell.getAttribute("x")) + 3;
        int y = 2 * Integer.parseInt(cell.getAttribute("y")) + 3;
        assertThat(image.getRGB(x, y) & 0xFFFFFF).isEqualTo(0xB2142D);
    }

    @Test
    void equalValuesHaveAPictureToo() {
        assertThat(HeatMap.of(of(3, 3, 3, 3)).svg()).contains("3.00");
        assertThat(HeatMap.of(of(3, 3, 3, 3).neutralAt(3)).svg()).contains("#ffffff");
        assertThat(HeatMap.of(of(Double.NaN, Double.NaN, Double.NaN, Double.NaN))
                        .svg())
                .contains("#dddddd");
    }

    @Test
    void aPictureOfTooManyCellsIsRefused() {
        ResultTable large =
                ResultTable.of("t", "q", "u", List.of(Axis.indices("edge", 251)), List.of("a"), new double[251]);
        assertThat(HeatMap.fits(large)).isFalse();
        assertThatThrownBy(() -> HeatMap.of(large))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("251 by 1 cells");
    }

    private static List<String> texts(Document svg) {
        NodeList texts = svg.getElementsByTagName("text");
        return IntStream.range(0, texts.getLength())
                .mapToObj(i -> texts.item(i).getTextContent())
                .toList();
    }

    /** The colours of the bar's lines, from the top. */
    private static List<String> bar(Document svg) {
        NodeList lines = svg.getElementsByTagName("rect");
        return IntStream.range(0, lines.getLength())
                .mapToObj(i -> (Element) lines.item(i))
                .filter(line -> line.getAttribute("height").equals("1"))
                .map(line -> line.getAttribute("fill"))
                .toList();
    }

    @Test
    void thereIsOneZero() throws Exception {
        Document svg = parse(HeatMap.of(of(-0.004, 0, -1e-9, -0.0).neutralAt(0)).svg());
        assertThat(texts(svg)).contains("0", "-0.0040").doesNotContain("-0", "0.0000", "-0.0000", "0.0");
        assertThat(texts(svg).stream().filter("0"::equals)).hasSizeGreaterThanOrEqualTo(4);
        assertThat(cell(svg, "layer 1, position 0: -1.0e-9")).isNotNull();
        assertThat(HeatMap.figure(-0.0)).isEqualTo("0");
        assertThat(HeatMap.figure(-0.0049)).isEqualTo("-0.005");
        assertThat(HeatMap.figure(0.25)).isEqualTo("0.25");
    }

    @Test
    void theColourBarEndsWhereTheValuesEnd() throws Exception {
        Document svg = parse(HeatMap.of(of(1, 5, -1, 1).neutralAt(1)).svg());
        assertThat(texts(svg)).contains("5.00", "-1.00").doesNotContain("-3.00");
        assertThat(bar(svg).getFirst()).isEqualTo("#b2142d");
        assertThat(bar(svg).getLast()).isEqualTo("#8eaed5");
        // Of values on one side of the neutral one, nothing beyond them is shown.
        Document above = parse(HeatMap.of(of(2, 3, 4, 5).neutralAt(1)).svg());
        assertThat(texts(above)).contains("5.00", "3.50", "2.00").doesNotContain("1.00", "-3.00");
        Document same = parse(HeatMap.of(of(3, 3, 3, 3)).svg());
        assertThat(texts(same).stream().filter("3.00"::equals)).hasSize(5);
        assertThat(bar(same)).containsOnly("#ffffff");
        Document none = parse(
                HeatMap.of(of(Double.NaN, Double.NaN, Double.NaN, Double.NaN)).svg());
        assertThat(bar(none)).isEmpty();
    }

    @Test
    void redIsMoreInEveryMap() throws Exception {
        for (ResultTable table : List.of(
                of(1, 2, 3, 4), of(1, 2, 3, 4).neutralAt(1), of(1, 2, 3, 4).neutralAt(2.5))) {
            Document svg = parse(HeatMap.of(table).svg());
            assertThat(cell(svg, "layer 1, position 1: 4.00").getAttribute("fill"))
                    .isEqualTo("#b2142d");
        }
        Document below = parse(HeatMap.of(of(1, 2, 3, 4).neutralAt(4)).svg());
        assertThat(cell(below, "layer 0, position 0: 1.00").getAttribute("fill"))
                .isEqualTo("#1c5cab");
    }

    @Test
    void cellsOfOneMapAreRoundedAlike() throws Exception {
        Document svg = parse(HeatMap.of(of(0.158, -2.7e-4, 7.9e-5, -0.0151)).svg());
        assertThat(texts(svg)).contains("0.158", "-0.015").doesNotContain("-2.7e-4", "7.9e-5", "-0.000");
        Document small = parse(HeatMap.of(of(-3.94e-4, -2.9e-4, 1e-5, 1e-9)).svg());
        assertThat(texts(small)).contains("-3.94e-4", "-2.90e-4", "1.00e-5", "0");
    }

    @Test
    void figuresThatDoNotFitAreShorterOrNone() throws Exception {
        double[] values =
                IntStream.range(0, 30).mapToDouble(i -> -(i + 1) * 1e-5).toArray();
        assertThat(texts(parse(HeatMap.of(row(values)).svg())))
                .contains("-2e-4")
                .doesNotContain("-2.00e-4");
        double[] many = IntStream.range(0, 60).mapToDouble(i -> -(i + 1) * 1e-6).toArray();
        assertThat(texts(parse(HeatMap.of(row(many)).svg()))).doesNotContain("-2e-5", "-2.0e-5");
    }

    private static ResultTable row(double... values) {
        return ResultTable.of(
                "t",
                "q",
                "u",
                List.of(Axis.layers(1), Axis.indices(Axis.POSITION, values.length)),
                List.of("a"),
                values);
    }

    @Test
    void itTellsWhatItShows() throws Exception {
        ResultTable table = ResultTable.of("t", "q", "", List.of(Axis.layers(1)), List.of("a", "b"), new double[2])
                .ofSamples("pairs")
                .from("fable, ioi-abba");
        assertThat(texts(parse(HeatMap.of(table).svg()))).contains("q, mean over 2 pairs", "fable, ioi-abba");
        assertThat(TableText.json(table)).contains("\"origin\":\"fable, ioi-abba\"", "\"sample_kind\":\"pairs\"");
        assertThat(table.map("r", "", (sample, value) -> value).neutralAt(0).origin())
                .isEqualTo("fable, ioi-abba");
    }

    @Test
    void aSingleColumnHasNoLabelAndIsAsWideAsTheTitle() throws Exception {
        ResultTable table = ResultTable.of(
                "A title that is much longer than a cell",
                "contribution to the logit difference",
                "",
                List.of(Axis.layers(2)),
                List.of("a"),
                new double[] {1, 2});
        Document svg = parse(HeatMap.of(table).svg());
        assertThat(texts(svg)).noneMatch(text -> text.endsWith("…"));
        assertThat(Integer.parseInt(cell(svg, "layer 0").getAttribute("width"))).isGreaterThan(100);
    }

    @Test
    void linesSeparateLayers() throws Exception {
        ResultTable table = ResultTable.of(
                "t",
                "q",
                "u",
                List.of(Axis.layers(3), Axis.indices(Axis.POSITION, 2), Axis.heads(2)),
                List.of("a"),
                new double[12]);
        assertThat(rules(parse(HeatMap.of(table).svg()))).isEqualTo(2);
        assertThat(rules(parse(HeatMap.of(of(1, 2, 3, 4)).svg()))).isZero();
    }

    private static long rules(Document svg) {
        NodeList lines = svg.getElementsByTagName("rect");
        return IntStream.range(0, lines.getLength())
                .mapToObj(i -> (Element) lines.item(i))
                .filter(line -> line.getAttribute("fill").equals("#777777"))
                .count();
    }

    @Test
    void theColourBarMarksZeroBetweenBothSigns() throws Exception {
        // The labels of a row and of a column are 0 too.
        assertThat(texts(parse(HeatMap.of(of(-1, 3.2, 1, 2)).svg())).stream().filter("0"::equals))
                .hasSize(3);
        assertThat(texts(parse(HeatMap.of(of(-0.01, 3.2, 1, 2)).svg())).stream().filter("0"::equals))
                .hasSize(2);
    }
}
