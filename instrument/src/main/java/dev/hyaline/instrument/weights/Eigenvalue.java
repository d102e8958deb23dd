package dev.hyaline.instrument.weights;

/** An eigenvalue of a real matrix. */
public record Eigenvalue(double real, double imaginary) {
    /** Its absolute value. */
    public double abs() {
        return Math.hypot(real, imaginary);
    }
}
