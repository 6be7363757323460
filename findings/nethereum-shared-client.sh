#!/usr/bin/env bash
# Nethereum.JsonRpc.RpcClient 6.1.0 takes an HttpClient of the caller's, and sets its BaseAddress. Two clients for two nodes that share
# one HttpClient (as every .NET guide asks for) do not both talk to their own node: the second constructor moves the first client
# to the second node, or is refused once a request has been sent. One HttpClient a node is needed. Needs the .NET SDK and NuGet.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > probe.csproj <<'X'
<Project Sdk="Microsoft.NET.Sdk.Web">
  <PropertyGroup><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Nethereum.Web3" Version="6.1.0" />
    <PackageReference Include="Newtonsoft.Json" Version="13.0.4" />
  </ItemGroup>
</Project>
X
cat > Program.cs <<'X'
using System.Text.Json;
using Nethereum.JsonRpc.Client;
using Nethereum.Web3;

var (first, second) = (await NodeAsync("0x1"), await NodeAsync("0x2"));
Console.WriteLine($"runtime {Environment.Version}, Nethereum.JsonRpc.RpcClient {typeof(RpcClient).Assembly.GetName().Version}");
using var shared = new HttpClient();
var a = new Web3(new RpcClient(first, shared));
var b = new Web3(new RpcClient(second, shared));
Console.WriteLine($"shared: first asks node {(await a.Eth.ChainId.SendRequestAsync()).Value}, second asks node {(await b.Eth.ChainId.SendRequestAsync()).Value}");
try
{
    _ = new RpcClient(first, shared);
    Console.WriteLine("later: taken");
}
catch (InvalidOperationException)
{
    Console.WriteLine("later: refused");
}
var own = new Web3(new RpcClient(first, new HttpClient()));
Console.WriteLine($"own: asks node {(await own.Eth.ChainId.SendRequestAsync()).Value}");
Environment.Exit(0);

static async Task<Uri> NodeAsync(string chainId)
{
    var builder = WebApplication.CreateSlimBuilder();
    builder.Logging.ClearProviders();
    builder.WebHost.UseUrls("http://127.0.0.1:0");
    var app = builder.Build();
    app.MapPost("/", async http =>
    {
        using var request = await JsonDocument.ParseAsync(http.Request.Body);
        await http.Response.WriteAsync($$"""{"jsonrpc":"2.0","id":{{request.RootElement.GetProperty("id").GetRawText()}},"result":"{{chainId}}"}""");
    });
    await app.StartAsync();
    return new Uri(app.Urls.First());
}
X
dotnet build -c Release --nologo -v q -o out >/dev/null
dotnet out/probe.dll | tee seen
grep -qx 'shared: first asks node 2, second asks node 2' seen
grep -qx 'later: refused' seen
grep -qx 'own: asks node 1' seen
echo "as noted"
