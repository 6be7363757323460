namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>The call of each library that hands <c>privateFor</c> on, by what its HTTP requests say of it (docs/dapps.md).</summary>
internal static class LibraryCall
{
    private static readonly (string Agent, string Call)[] Known =
    [
        ("ethers", "ethers: provider.send('eth_sendTransaction', [{ …, privateFor }])"),
        ("viem", "viem: client.request({ method: 'eth_sendTransaction', params: [{ …, privateFor }] })"),
        ("node-fetch", "web3.js 4: web3.requestManager.send({ method: 'eth_sendTransaction', params: [{ …, privateFor }] })"),
        ("web3.py", "web3.py: contract.functions.f().transact({…, 'privateFor': […]}) with an account of the node"),
        ("ape", "eth-ape: provider.make_request('eth_sendTransaction', [{…, 'privateFor': […]}])"),
        ("okhttp", "web3j: new Request<>(\"eth_sendTransaction\", …) with privateFor, or web3j-quorum's QuorumTransactionManager"),
        ("go-http-client", "go-ethereum: rpcClient.CallContext(ctx, &hash, \"eth_sendTransaction\", …) with privateFor"),
        ("node", "viem: client.request({ method: 'eth_sendTransaction', params: [{ …, privateFor }] })"),
    ];

    /// <summary>What a client that says nothing of itself is told.</summary>
    private const string Any = "send eth_sendTransaction with privateFor as a plain JSON-RPC request";

    /// <param name="userAgent">The header's value; null where there is none.</param>
    public static string For(string? userAgent)
    {
        foreach (var (agent, call) in Known)
            if (userAgent?.Contains(agent, StringComparison.OrdinalIgnoreCase) == true) return call;
        return Any;
    }
}
