package dev.hyaline.engine.tensor;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A tensor's values as {@code str(array)} of NumPy 2 with its default print options. */
final class NumpyText {
    private static final int LINE = 75;
    private static final int THRESHOLD = 1000;
    private static final int EDGE = 3;
    private static final int PRECISION = 8;

    /** Of significant digits. */
    private static final MathContext SCIENTIFIC = new MathContext(PRECISION + 1, RoundingMode.HALF_EVEN);

    private final Tensor tensor;
    private final boolean summarised;
    private final Format format;

    private NumpyText(Tensor tensor) {
        this.tensor = tensor;
        summarised = tensor.size() > THRESHOLD;
        List<Double> shown = new ArrayList<>();
        collect(new int[0], shown);
        format = new Format(shown.stream().mapToDouble(Double::doubleValue).toArray(), tensor.isDouble());
    }

    static String of(Tensor tensor) {
        return tensor.size() == 0 ? "[]" : new NumpyText(tensor).text(new int[0], " ", LINE);
    }

    private boolean cut(int length) {
        return summarised && length > 2 * EDGE;
    }

    /** The indices shown of an axis, with -1 where some are left out. */
    private int[] shown(int length) {
        if (!cut(length)) {
            int[] all = new int[length];
            Arrays.setAll(all, i -> i);
            return all;
        }
        return new int[] {0, 1, 2, -1, length - 3, length - 2, length - 1};
    }

    private void collect(int[] index, List<Double> shown) {
        if (index.length == tensor.shape().size()) {
            shown.add(tensor.get(index));
            return;
        }
        for (int i : shown(tensor.shape().get(index.length))) {
            if (i >= 0) {
                collect(with(index, i), shown);
            }
        }
    }

    private static int[] with(int[] index, int next) {
        int[] longer = Arrays.copyOf(index, index.length + 1);
        longer[index.length] = next;
        return longer;
    }

    private String text(int[] index, String indent, int width) {
        int left = tensor.shape().size() - index.length;
        StringBuilder text = new StringBuilder();
        int[] shown = shown(tensor.shape().get(index.length));
        if (left == 1) {
            int room = width - 1;
            StringBuilder line = new StringBuilder(indent);
            for (int k = 0; k < shown.length; k++) {
                String word = shown[k] < 0 ? "..." : format.text(tensor.get(with(index, shown[k])));
                if (line.length() + word.length() > room && line.length() > indent.length()) {
                    text.append(line.toString().stripTrailing()).append('\n');
                    line = new StringBuilder(indent);
                }
                line.append(word).append(k < shown.length - 1 ? " " : "");
            }
            text.append(line);
        } else {
            for (int k = 0; k < shown.length; k++) {
                text.append(indent)
                        .append(shown[k] < 0 ? "..." : text(with(index, shown[k]), indent + " ", width - 1))
                        .append(k < shown.length - 1 ? "\n".repeat(left - 1) : "");
            }
        }
        return "[" + text.substring(indent.length()) + "]";
    }

    /** One way to write all numbers of an array, after NumPy's {@code FloatingFormat}. */
    private static final class Format {
        private final boolean isDouble;
        private final boolean scientific;
        private int left;
        private int right;
        private int exponent;

        Format(double[] values, boolean isDouble) {
            this.isDouble = isDouble;
            double[] finite = Arrays.stream(values).filter(Double::isFinite).toArray();
            scientific = isScientific(finite);
            for (double value : finite) {
                Parts parts = parts(value, 1);
                left = Math.max(left, parts.whole.length());
                right = Math.max(right, parts.fraction.length());
                exponent = Math.max(exponent, digits(parts.exponent).length());
            }
            if (finite.length < values.length) {
                boolean negative = Arrays.stream(values).anyMatch(value -> value == Double.NEGATIVE_INFINITY);
                int after = 1 + (scientific ? exponent + 2 + right : right);
                left = Math.max(left, (negative ? 4 : 3) - after);
            }
        }

        private boolean isScientific(double[] finite) {
            double[] sizes =
                    Arrays.stream(finite).filter(v -> v != 0).map(Math::abs).toArray();
            if (sizes.length == 0) {
                return false;
            }
            double max = Arrays.stream(sizes).max().orElseThrow();
            double min = Arrays.stream(sizes).min().orElseThrow();
            return isDouble
                    ? max >= 1e8 || min < 0.0001 || max / min > 1000
                    : max >= 1e6 || (float) min < 0.0001f || (float) max / (float) min > 1000f;
        }

        /**
         * A number's digits.
         *
         * @param exponent of a power of ten; 0 of a number without one
         */
        private record Parts(String whole, String fraction, int exponent) {}

        /**
         * Takes a number apart.
         *
         * @param minDigits of one written with a power of ten
         */
        private Parts parts(double value, int minDigits) {
            String sign = Double.doubleToRawLongBits(value) < 0 ? "-" : "";
            BigDecimal shortest = shortest(Math.abs(value));
            BigDecimal exact = new BigDecimal(Math.abs(value));
            int power = 0;
            BigDecimal rounded = shortest;
            if (scientific && value != 0) {
                if (shortest.precision() > SCIENTIFIC.getPrecision()) {
                    rounded = exact.round(SCIENTIFIC);
                } else if (shortest.precision() < minDigits) { // NumPy goes on with the digits of the exact value
                    rounded = exact.round(new MathContext(minDigits, RoundingMode.HALF_EVEN));
                }
                power = rounded.precision() - rounded.scale() - 1;
                rounded = rounded.movePointLeft(power);
            } else if (shortest.scale() > PRECISION) {
                rounded = exact.setScale(PRECISION, RoundingMode.HALF_EVEN);
            }
            String[] split = rounded.signum() == 0
                    ? new String[] {"0", ""}
                    : rounded.stripTrailingZeros().toPlainString().split("\\.", 2);
            return new Parts(sign + split[0], split.length == 1 ? "" : split[1], power);
        }

        /** The number with the fewest digits that reads as this value. */
        private BigDecimal shortest(double value) {
            BigDecimal decimal = new BigDecimal(isDouble ? Double.toString(value) : Float.toString((float) value));
            BigDecimal bare = decimal.signum() == 0 ? BigDecimal.ZERO : decimal.stripTrailingZeros();
            if (bare.precision() == 2) { // Java writes two digits where one would do
                BigDecimal one = new BigDecimal(value).round(new MathContext(1, RoundingMode.HALF_EVEN));
                boolean same = isDouble ? one.doubleValue() == value : one.floatValue() == (float) value;
                return same ? one.stripTrailingZeros() : bare;
            }
            return bare;
        }

        private static String digits(int exponent) {
            String digits = String.valueOf(Math.abs(exponent));
            return digits.length() < 2 ? "0" + digits : digits;
        }

        String text(double value) {
            if (!Double.isFinite(value)) {
                String name = Double.isNaN(value) ? "nan" : value < 0 ? "-inf" : "inf";
                int width = left + 1 + (scientific ? exponent + 2 + right : right);
                return " ".repeat(Math.max(0, width - name.length())) + name;
            }
            Parts parts = parts(value, right + 1);
            String before = " ".repeat(left - parts.whole.length()) + parts.whole + "." + parts.fraction;
            int missing = right - parts.fraction.length();
            if (!scientific) {
                return before + " ".repeat(missing);
            }
            String digits = digits(parts.exponent);
            return before + "0".repeat(missing) + "e" + (parts.exponent < 0 ? "-" : "+")
                    + "0".repeat(exponent - digits.length()) + digits;
        }
    }
}
