package dev.hyaline.weights.internal.hub;

/**
 * A file as the hub announces it.
 *
 * @param commit of the repository, 40 hexadecimal digits
 */
record RemoteFile(String repository, String commit, String name, long size, Checksum checksum) {
    /** The name in errors. */
    @Override
    public String toString() {
        return name + " of " + repository;
    }
}
