"""Stories in Binance's terms, told to the engine, to the server and, on request, to the testnet."""
