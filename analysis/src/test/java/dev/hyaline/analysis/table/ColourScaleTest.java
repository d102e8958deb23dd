package dev.hyaline.analysis.table;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class ColourScaleTest {
    @Test
    void textOnAnyColourHasAContrastAbove4AndAHalf() {
        ColourScale colours = ColourScale.around0(1);
        for (int i = -1000; i <= 1000; i++) {
            int colour = colours.rgb(i / 1000.0);
            double light = luminance(colour) + 0.05;
            double contrast = ColourScale.isDark(colour) ? 1.05 / light : light / 0.05;
            assertThat(contrast).as("contrast on %06x", colour).isGreaterThan(4.5);
        }
    }

    private static double luminance(int rgb) {
        return 0.2126 * linear(rgb >> 16) + 0.7152 * linear(rgb >> 8) + 0.0722 * linear(rgb);
    }

    private static double linear(int channel) {
        double share = (channel & 255) / 255.0;
        return share <= 0.04045 ? share / 12.92 : Math.pow((share + 0.055) / 1.055, 2.4);
    }
}
