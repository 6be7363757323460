namespace QuorumMesh.Node.Network.Tests.Rlpx;

/// <summary>
/// A whole plain handshake and the first frame of both sides, published by go-ethereum's developers (gist
/// fjl/3a78780d17c755d22df2) and used by several clients' tests.
/// </summary>
internal static class FrameVectors
{
    public const string InitiatorEphemeralKey =
        "19c2185f4f40634926ebed3af09070ca9e029f2edd5fae6253074896205f5f6c";

    public const string ReceiverEphemeralKey =
        "d25688cf0ab10afa1a0e2dba7853ed5f1e5bf1c631757ed4e103b593ff3f5620";

    public const string ReceiverKey =
        "c45f950382d542169ea207959ee0220ec1491755abe405cd7498d6b16adb6df8";

    public const string InitiatorNonce =
        "cd26fecb93657d1cd9e9eaf4f8be720b56dd1d39f190c4e1c6b7ec66f077bb11";

    public const string ReceiverNonce =
        "f37ec61d84cea03dcc5e8385db93248584e8af4b4d1c832d8c7453c0089687a7";

    public const string Auth =
        "04a0274c5951e32132e7f088c9bdfdc76c9d91f0dc6078e848f8e3361193dbdc43b94351ea3d89e4ff33ddcefbc80070498824857f499656c4f79bbd" +
        "97b6c51a514251d69fd1785ef8764bd1d262a883f780964cce6a14ff206daf1206aa073a2d35ce2697ebf3514225bef186631b2fd2316a4b7bcdefec" +
        "8d75a1025ba2c5404a34e7795e1dd4bc01c6113ece07b0df13b69d3ba654a36e35e69ff9d482d88d2f0228e7d96fe11dccbb465a1831c7d4ad3a0269" +
        "24b182fc2bdfe016a6944312021da5cc459713b13b86a686cf34d6fe6615020e4acf26bf0d5b7579ba813e7723eb95b3cef9942f01a58bd61baee7c9" +
        "bdd438956b426a4ffe238e61746a8c93d5e10680617c82e48d706ac4953f5e1c4c4f7d013c87d34a06626f498f34576dc017fdd3d581e83cfd26cf12" +
        "5b6d2bda1f1d56";

    public const string Ack =
        "049934a7b2d7f9af8fd9db941d9da281ac9381b5740e1f64f7092f3588d4f87f5ce55191a6653e5e80c1c5dd538169aa123e70dc6ffc5af1827e546c" +
        "0e958e42dad355bcc1fcb9cdf2cf47ff524d2ad98cbf275e661bf4cf00960e74b5956b799771334f426df007350b46049adb21a6e78ab1408d5e6ccd" +
        "e6fb5e69f0f4c92bb9c725c02f99fa72b9cdc8dd53cff089e0e73317f61cc5abf6152513cb7d833f09d2851603919bf0fbe44d79a09245c6e8338eb5" +
        "02083dc84b846f2fee1cc310d2cc8b1b9334728f97220bb799376233e113";

    public const string AesSecret =
        "c0458fa97a5230830e05f4f20b7c755c1d4e54b1ce5cf43260bb191eef4e418d";

    public const string MacSecret =
        "48c938884d5067a1598272fcddaa4b833cd5e7d92e8228c0ecdfabbe68aef7f1";

    public const string InitiatorHello =
        "6ef23fcf1cec7312df623f9ae701e63b550cdb8517fefd8dd398fc2acd1d935e6e0434a2b96769078477637347b7b01924fff9ff1c06df2f804df3b0" +
        "402bbb9f87365b3c6856b45e1e2b6470986813c3816a71bff9d69dd297a5dbd935ab578f6e5d7e93e4506a44f307c332d95e8a4b102585fd8ef9fc9e" +
        "3e055537a5cec2e9";

    public const string ReceiverHello =
        "6ef23fcf1cec7312df623f9ae701e63be36a1cdd1b19179146019984f3625d4a6e0434a2b96769050577657247b7b02bc6c314470eca7e3ef650b98c" +
        "83e9d7dd4830b3f718ff562349aead2530a8d28a8484604f92e5fced2c6183f304344ab0e7c301a0c05559f4c25db65e36820b4b909a226171a60ac6" +
        "cb7beea09376d6d8";
}
