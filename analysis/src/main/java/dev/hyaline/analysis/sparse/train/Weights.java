package dev.hyaline.analysis.sparse.train;

import java.util.LinkedHashMap;
import java.util.Map;

/** The parameters in training, their gradient and Adam's moments: four arrays of the same layout for each. */
final class Weights {
    /** One parameter. */
    static final class Parameter {
        final float[] value;
        final float[] gradient;
        final float[] m;
        final float[] v;

        Parameter(float[] value) {
            this.value = value;
            gradient = new float[value.length];
            m = new float[value.length];
            v = new float[value.length];
        }
    }

    static final String ENCODER = "encoder";
    static final String ENCODER_BIAS = "b_enc";
    static final String DECODER = "W_dec";
    static final String DECODER_BIAS = "b_dec";
    static final String THRESHOLD = "threshold";
    static final String GATE_BIAS = "b_gate";
    static final String MAGNITUDE_BIAS = "b_mag";
    static final String MAGNITUDE_SCALE = "r_mag";
    static final String SKIP = "W_skip";

    final int n;
    final int dIn;
    final int dOut;
    private final Map<String, Parameter> parameters = new LinkedHashMap<>();

    Weights(int n, int dIn, int dOut) {
        this.n = n;
        this.dIn = dIn;
        this.dOut = dOut;
    }

    void put(String name, float[] value) {
        if (value.length > 0) {
            parameters.put(name, new Parameter(value));
        }
    }

    boolean has(String name) {
        return parameters.containsKey(name);
    }

    Parameter get(String name) {
        Parameter parameter = parameters.get(name);
        if (parameter == null) {
            throw new IllegalArgumentException("there is no parameter " + name);
        }
        return parameter;
    }

    /** A parameter's values; none if there is no such parameter. */
    float[] value(String name) {
        return has(name) ? get(name).value : new float[0];
    }

    Map<String, Parameter> all() {
        return parameters;
    }
}
