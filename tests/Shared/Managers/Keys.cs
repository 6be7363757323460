using QuorumMesh.Contracts;

namespace QuorumMesh.Tests.Shared.Managers;

/// <summary>Public sample key pairs (tessera appendix A); further ones are made at random by the tests.</summary>
internal static class Keys
{
    public static readonly PublicKey S = PublicKey.FromBase64("/+UuD63zItL1EbjxkKUljMgG8Z1w0AJ8pNOR4iq2yQc=");
    public static readonly PublicKey R = PublicKey.FromBase64("zP9kWRDB83v7TSZrAEXRgeexKkejHM48cpZOqnt3oyo=");
    public static readonly PublicKey Nobody = new(Enumerable.Repeat((byte)9, 32).ToArray());

    public static readonly string[] Private =
        ["yAWAJjwPqUtNVlqGjSrBmr1/iIkghuOh1803Yzx9jLM=", "6ccai0+GXRRVbNckE+JubN+UQ9+8pMCx86dZI683X7w="];
}
