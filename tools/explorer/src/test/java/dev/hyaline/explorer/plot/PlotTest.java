package dev.hyaline.explorer.plot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.analysis.statistics.Interval;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.explorer.Tone;
import dev.hyaline.explorer.plot.IntervalPlot.IntervalRow;
import dev.hyaline.explorer.plot.StepPlot.StepLine;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

final class PlotTest {
    private static List<Element> elements(Picture picture, String name) throws Exception {
        Document svg = DocumentBuilderFactory.newInstance()
                .newDocumentBuilder()
                .parse(new InputSource(new StringReader(picture.svg())));
        NodeList nodes = svg.getElementsByTagName(name);
        List<Element> elements = new ArrayList<>();
        IntStream.range(0, nodes.getLength()).forEach(i -> elements.add((Element) nodes.item(i)));
        return elements;
    }

    private static double number(Element element, String attribute) {
        return Double.parseDouble(element.getAttribute(attribute));
    }

    @Test
    void anEstimateLiesBetweenTheEndsOfItsInterval() throws Exception {
        IntervalPlot plot = IntervalPlot.of(
                "effect",
                List.of(
                        new IntervalRow("a", 2, new Interval(1, 4), Tone.GOOD, "2"),
                        new IntervalRow("b", Double.NaN, null, Tone.UNSURE, "-")),
                new Interval(0, 1),
                1);
        List<Element> dots = elements(plot, "circle");
        assertThat(dots).hasSize(1);
        String line = elements(plot, "path").stream()
                .filter(path -> path.getElementsByTagName("title").getLength() > 0)
                .map(path -> path.getAttribute("d"))
                .findFirst()
                .orElseThrow();
        List<String> words = List.of(line.split(" ", -1));
        double left = Double.parseDouble(words.get(1));
        double right = Double.parseDouble(words.get(words.size() - 2));
        // 2 is a third of the way from 1 to 4.
        assertThat(number(dots.getFirst(), "cx")).isCloseTo(left + (right - left) / 3, within(0.05));
    }

    @Test
    void everyPromptIsTwoDotsInItsStratum() throws Exception {
        PromptPlot plot = PromptPlot.of(
                "metric",
                "edited",
                List.of("p", "q", "r"),
                List.of("a", "b", "a"),
                new double[] {1, 2, 3},
                new double[] {0, -1, 2});
        List<Element> dots = elements(plot, "circle").stream()
                .filter(dot -> dot.getElementsByTagName("title").getLength() > 0)
                .toList();
        assertThat(dots).hasSize(6);
        assertThat(dots).extracting(Element::getTextContent).contains("q, clean: 2.000", "r, edited: 2.000");
        double first = dots.stream()
                .filter(dot -> dot.getTextContent().startsWith("p"))
                .mapToDouble(dot -> number(dot, "cy"))
                .max()
                .orElseThrow();
        double second = dots.stream()
                .filter(dot -> dot.getTextContent().startsWith("q"))
                .mapToDouble(dot -> number(dot, "cy"))
                .min()
                .orElseThrow();
        assertThat(second).isGreaterThan(first);
    }

    @Test
    void everyDrawIsInABarAndTheObservedStandsByItself() throws Exception {
        NullPlot plot = NullPlot.of("share", new double[] {0.1, 0.1, 0.2, 0.9}, 1.5, "observed 1.5");
        int counted = elements(plot, "rect").stream()
                .map(Element::getTextContent)
                .filter(text -> text.matches(".* to .*: \\d+"))
                .mapToInt(text -> Integer.parseInt(text.substring(text.lastIndexOf(' ') + 1)))
                .sum();
        assertThat(counted).isEqualTo(4);
        assertThat(elements(plot, "rect")).extracting(Element::getTextContent).contains("observed 1.5");
    }

    @Test
    void aLineHasADotForEachFiniteStep() throws Exception {
        StepPlot plot = StepPlot.of(
                "share",
                List.of("x", "y", "z"),
                List.of(new StepLine("l", new double[] {0, Double.NaN, 1})),
                2,
                "here",
                0.5);
        assertThat(elements(plot, "circle"))
                .extracting(Element::getTextContent)
                .containsExactly("x, l: 0.00", "z, l: 1.00");
    }

    @Test
    void plotsThatCannotBeReadAreRefused() {
        assertThatThrownBy(() -> IntervalPlot.of("q", List.of(), null)).isInstanceOf(BadInputException.class);
        IntervalRow row = new IntervalRow("a", 1, null, Tone.PLAIN, "");
        assertThatThrownBy(() -> IntervalPlot.of("q", Collections.nCopies(201, row), null))
                .isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> NullPlot.of("q", new double[0], 1, "")).isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> NullPlot.of("q", new double[] {Double.NaN}, 1, ""))
                .isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> PromptPlot.of("q", "e", List.of("a"), List.of(), new double[] {1}, new double[] {1}))
                .isInstanceOf(BadShapeException.class);
        assertThatThrownBy(() -> PromptPlot.of("q", "e", List.of(), List.of(), new double[0], new double[0]))
                .isInstanceOf(BadInputException.class);
        StepLine line = new StepLine("l", new double[] {1});
        assertThatThrownBy(() -> StepPlot.of("q", List.of("a", "b"), List.of(line), 0, ""))
                .isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> StepPlot.of("q", List.of("a"), List.of(line), 2, ""))
                .isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> StepPlot.of("q", List.of("a"), List.of(line), -1, ""))
                .isInstanceOf(BadInputException.class);
    }

    @Test
    void valuesOfOneNumberHaveAnAxisToo() throws Exception {
        IntervalPlot plot =
                IntervalPlot.of("q", List.of(new IntervalRow("a", 0, new Interval(0, 0), Tone.PLAIN, "0")), null);
        assertThat(elements(plot, "text")).extracting(Element::getTextContent).contains("0.0");
    }
}
