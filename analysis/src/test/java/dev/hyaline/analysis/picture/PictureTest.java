package dev.hyaline.analysis.picture;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

final class PictureTest {
    /** A picture of one's own: a bar with a name. */
    private static final class Bar implements Picture {
        @Override
        public int width() {
            return 40;
        }

        @Override
        public int height() {
            return 20;
        }

        @Override
        public void draw(Canvas canvas) {
            canvas.rectangle(10, 5, 20, 10, 0xC71585, "a < b");
            canvas.text(2, 18, "x & y", 6, Canvas.Anchor.START, false, Canvas.INK);
        }
    }

    @Test
    void theSvgHasPaperShapesAndEscapedText() {
        assertThat(new Bar().svg().lines())
                .containsExactly(
                        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"40\" height=\"20\" viewBox=\"0 0 40 20\""
                                + " font-family=\"Helvetica, Arial, sans-serif\">",
                        "<rect x=\"0\" y=\"0\" width=\"40\" height=\"20\" fill=\"#ffffff\"/>",
                        "<rect x=\"10\" y=\"5\" width=\"20\" height=\"10\" fill=\"#c71585\">"
                                + "<title>a &lt; b</title></rect>",
                        "<text x=\"2\" y=\"18\" font-size=\"6\" text-anchor=\"start\" fill=\"#222222\""
                                + " xml:space=\"preserve\">x &amp; y</text>",
                        "</svg>");
    }

    @Test
    void thePngHasTwoPixelsAUnit() throws IOException {
        BufferedImage image = ImageIO.read(new ByteArrayInputStream(new Bar().png()));
        assertThat(image.getWidth()).isEqualTo(80);
        assertThat(image.getHeight()).isEqualTo(40);
        assertThat(image.getRGB(1, 1) & 0xFFFFFF).isEqualTo(Canvas.PAPER);
        assertThat(image.getRGB(40, 20) & 0xFFFFFF).isEqualTo(0xC71585);
    }
}
